import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeClock, type MusterError, systemClock } from '#kernel/base';
import { drawScene } from '../scene/draw-scene.ts';
import { createRaster, type Raster, type RasterOptions } from './raster.ts';

const opened: Raster[] = [];
function raster(options: Partial<RasterOptions> = {}): Raster {
  const made = createRaster({ clock: systemClock, limitMs: 15_000, ...options });
  opened.push(made);
  return made;
}
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

const { svg } = drawScene({ family: 'poster', seed: 3, prompt: '' });
const sizeOf = (png: Uint8Array): [number, number] => {
  const data = new DataView(png.buffer, png.byteOffset);
  return [data.getUint32(16), data.getUint32(20)];
};
const reasonOf = async (of: Promise<unknown>): Promise<string> => {
  try {
    await of;
    return 'it went well';
  } catch (error) {
    return (error as MusterError).reason;
  }
};

/** A thread that does as the drawing says: dies, throws, hangs, or answers. */
const script = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ id, svg }) => {
    if (svg === 'die') process.exit(7);
    if (svg === 'throw') throw new Error('broken inside');
    if (svg === 'hang') return;
    parentPort.postMessage({ id, ok: true, png: Buffer.from(svg), width: 1, height: 1 });
  });`;
const threadFile = pathToFileURL(join(tmpdir(), `muster-odd-thread-${process.pid}.cjs`));
await writeFile(threadFile, script);

function png(width: number, height: number, more: readonly (readonly [string, Buffer])[] = []): Buffer {
  const chunk = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length);
    head.write(type, 4, 'latin1');
    const end = Buffer.alloc(4);
    end.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), body])));
    return Buffer.concat([head, body, end]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = width * height > 1e7 ? Buffer.alloc(10) : Buffer.alloc(height * (1 + 3 * width), 120);
  if (rows.length > 10) for (let y = 0; y < height; y++) rows[y * (1 + 3 * width)] = 0;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk('IHDR', head),
    ...more.map(([type, body]) => chunk(type, body)),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('drawings', () => {
  test('become PNGs of the width that was asked, with the words set in our own fonts', async () => {
    const draws = raster();
    for (const width of [256, 512]) expect(sizeOf(await draws.png(svg, width))).toEqual([width, (width * 5) / 4]);
    const blank = (await draws.png('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"/>', 256)).length;
    for (const family of ['Manrope', 'Fraunces'])
      expect(
        (
          await draws.png(
            `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="24" font-family="${family}" font-size="24">Buoy</text></svg>`,
            256,
          )
        ).length,
      ).toBeGreaterThan(2 * blank);
  });

  test('that are no drawings are a failure of this one picture', async () => {
    const draws = raster();
    expect(await reasonOf(draws.png('<svg', 256))).toBe('raster_failed');
    expect(sizeOf(await draws.png(svg, 256))[0]).toBe(256);
  });

  test('are WebP only where sharp is installed', async () => {
    const webp = await raster().webp(svg, 256);
    if (webp) expect(Buffer.from(webp.subarray(8, 12)).toString()).toBe('WEBP');
    else expect(webp).toBeUndefined();
  });
});

describe('threads (case 58)', () => {
  test.each(['die', 'throw'])('one that does %s is replaced, and says so once', async (how) => {
    const faults: string[] = [];
    const draws = raster({ threadFile, threads: 1, onFault: (fault) => faults.push(fault) });
    expect(await reasonOf(draws.png(how, 256))).toBe('raster_failed');
    expect(Buffer.from(await draws.png('well', 256)).toString()).toBe('well');
    expect(faults).toEqual(['crashed']);
  });

  test('one that takes longer than its limit is replaced', async () => {
    const clock = new FakeClock();
    const faults: string[] = [];
    const draws = raster({ clock, threadFile, threads: 1, limitMs: 2_000, onFault: (fault) => faults.push(fault) });
    const late = reasonOf(draws.png('hang', 256));
    const next = draws.png('well', 256);
    await clock.advance(1_999);
    expect(draws.used()).toEqual({ running: 1, waiting: 1 });
    await clock.advance(1);
    expect(await late).toBe('raster_failed');
    expect(Buffer.from(await next).toString()).toBe('well');
    expect(faults).toEqual(['late']);
  });

  test('all those that wait get their turn, two at a time', async () => {
    const draws = raster({ threadFile, threads: 2 });
    const all = Array.from({ length: 30 }, (_, i) => draws.png(i % 7 === 0 ? 'die' : `${i}`, 256));
    expect(draws.used().running).toBe(2);
    const ended = await Promise.allSettled(all);
    expect(ended.map(({ status }) => status)).toEqual(ended.map((_, i) => (i % 7 === 0 ? 'rejected' : 'fulfilled')));
    expect(draws.used()).toEqual({ running: 0, waiting: 0 });
  });

  test('a full queue refuses, and says when to come back', async () => {
    const draws = raster({ clock: new FakeClock(), threadFile, threads: 1, queueMax: 2 });
    const held = [1, 2, 3].map(() => reasonOf(draws.png('hang', 256)));
    await expect(draws.png('well', 256)).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'raster_busy',
      retryAfterMs: 1_000,
    });
    await draws[Symbol.asyncDispose]();
    expect(await Promise.all(held)).toEqual(['raster_failed', 'raster_failed', 'raster_failed']);
    expect(await reasonOf(draws.png('well', 256))).toBe('raster_failed');
  });
});

describe('uploads (case 59)', () => {
  const jpegHead = (width: number, height: number): Buffer =>
    Buffer.from([
      0xff,
      0xd8,
      0xff,
      0xe0,
      0,
      4,
      1,
      1,
      0xff,
      0xc2,
      0,
      17,
      8,
      height >> 8,
      height & 255,
      width >> 8,
      width & 255,
      3,
      0,
      0,
    ]);

  test('are drawn anew: the pixels stay, what was written beside them goes', async () => {
    const secret = Buffer.from('Comment\0taken at home');
    const done = await raster().redraw(png(60, 40, [['tEXt', secret]]));
    expect([done.width, done.height]).toEqual([60, 40]);
    expect(sizeOf(done.png)).toEqual([60, 40]);
    expect(Buffer.from(done.png).includes('taken at home')).toBe(false);
  });

  test('are made no longer than 2048', async () => {
    const { width, height } = await raster().redraw(png(3_000, 1_500));
    expect([width, height]).toEqual([2_048, 1_024]);
  });

  test.each([
    ['an SVG', Buffer.from(svg), 'upload_type'],
    ['an SVG after a space', Buffer.from(` \n${svg}`), 'upload_type'],
    ['a GIF', Buffer.from('GIF89a\u0001\u0000\u0001\u0000'), 'upload_type'],
    ['nothing', Buffer.alloc(0), 'upload_type'],
    ['a bomb of 50 000 by 50 000', png(50_000, 50_000), 'upload_too_large'],
    ['17 megapixels', png(4_250, 4_000), 'upload_too_large'],
    ['a JPEG that says 60 000 by 60 000', jpegHead(60_000, 60_000), 'upload_too_large'],
    ['11 MB', Buffer.concat([png(2, 2), Buffer.alloc(11 * 1024 * 1024)]), 'upload_too_large'],
    ['no width', png(0, 10), 'upload_broken'],
    ['a PNG cut in its header', png(9, 9).subarray(0, 20), 'upload_broken'],
    ['a JPEG without a frame', Buffer.from([0xff, 0xd8, 0xff, 0xd9, 0, 0, 0, 0, 0, 0, 0, 0]), 'upload_broken'],
  ])('refused before any decoding: %s', async (_, bytes, reason) => {
    // A thread that would hang: whoever got so far never answers.
    const clock = new FakeClock();
    expect(await reasonOf(raster({ clock, threadFile }).redraw(bytes))).toBe(reason);
  });

  test('a header with nothing behind it is refused by the decoder', async () => {
    expect(await reasonOf(raster().redraw(png(30, 30).subarray(0, 40)))).toBe('upload_broken');
    expect(await reasonOf(raster().redraw(jpegHead(64, 64)))).toBe('upload_broken');
  });
});
