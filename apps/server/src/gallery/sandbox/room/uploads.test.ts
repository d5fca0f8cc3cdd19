import { expect, test } from 'vitest';
import { cleanPicture, jpegSize, pngSize } from './uploads.ts';

function png(width: number, height: number): Buffer {
  const head = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const rest = Buffer.alloc(17);
  rest.writeUInt32BE(width, 0);
  rest.writeUInt32BE(height, 4);
  const end = Buffer.from([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0, 0, 0, 0]);
  return Buffer.concat([head, rest, end]);
}

/** Start, a table, a frame header of some kind, an end. */
function jpeg(width: number, height: number, frame = 0xc0): Buffer {
  const table = Buffer.from([0xff, 0xdb, 0, 6, 1, 2, 3, 4]);
  const header = Buffer.from([
    0xff,
    frame,
    0,
    11,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    1,
    1,
    0x11,
    0,
  ]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), table, header, Buffer.from([0xff, 0xd9])]);
}

test('sizes are read from the first bytes', () => {
  expect(pngSize(png(640, 480))).toEqual({ width: 640, height: 480 });
  expect(jpegSize(jpeg(300, 200))).toEqual({ width: 300, height: 200 });
  expect(jpegSize(jpeg(301, 201, 0xc2))).toEqual({ width: 301, height: 201 });
  for (const odd of [
    Buffer.from('<svg/>'),
    Buffer.from([0xff, 0xd8]),
    Buffer.from([0xff, 0xd8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]) {
    expect(pngSize(odd)).toBeUndefined();
    expect(jpegSize(odd)).toBeUndefined();
  }
});

test('what is too large, cut or no picture at all is refused before anything is decoded', async () => {
  const decoded: number[] = [];
  const room: Parameters<typeof cleanPicture>[0] = {
    raster: {
      redraw: (bytes) => {
        decoded.push(bytes.length);
        return Promise.resolve({ png: bytes, width: 1, height: 1 });
      },
    },
    pictures: { storePng: () => Promise.resolve('f'.repeat(64)) },
  };
  for (const bad of [
    png(50_000, 50_000),
    png(4_001, 4_000),
    png(0, 5),
    jpeg(20_000, 1_000),
    png(9, 9).subarray(0, 33),
    Buffer.from('<svg/>'),
    Buffer.alloc(0),
    Buffer.alloc(11 * 2 ** 20),
  ])
    await expect(cleanPicture(room, bad), String(bad.length)).rejects.toMatchObject({ code: 'UPLOAD_INVALID' });
  expect(decoded).toEqual([]);
  await cleanPicture(room, png(4_000, 4_000));
  await cleanPicture(room, jpeg(640, 480));
  expect(decoded).toHaveLength(2);
});
