import { MusterError } from '#kernel/base';
import { Refused } from './answers.ts';
import { sandboxLimits as limits } from './limits.ts';
import type { SandboxRoom } from './room.ts';

/**
 * A picture somebody brought, drawn again from its pixels so that nothing else of the file remains. Type and size are read
 * from its first bytes before anything is decoded: PNG or JPEG, at most 16 megapixels.
 */
export async function cleanPicture(
  room: { raster: Pick<SandboxRoom['raster'], 'redraw'>; pictures: Pick<SandboxRoom['pictures'], 'storePng'> },
  bytes: Uint8Array,
): Promise<{ sha256: string; width: number; height: number }> {
  if (bytes.length === 0) throw new Refused(400, 'UPLOAD_INVALID', 'The picture is empty.');
  if (bytes.length > limits.uploadBytesMax)
    throw new Refused(413, 'UPLOAD_INVALID', `A picture has at most ${limits.uploadBytesMax} bytes.`);
  requirePicture(bytes);
  try {
    const { png, width, height } = await room.raster.redraw(bytes);
    return { sha256: await room.pictures.storePng(png), width, height };
  } catch (error) {
    if (error instanceof MusterError && error.code === 'invalid')
      throw new Refused(400, 'UPLOAD_INVALID', error.message);
    throw error;
  }
}

function requirePicture(bytes: Uint8Array): void {
  const size = pngSize(bytes) ?? jpegSize(bytes);
  if (!size) throw new Refused(400, 'UPLOAD_INVALID', 'This is neither a PNG nor a JPEG.');
  if (size.width < 1 || size.height < 1 || size.width * size.height > limits.uploadPixelsMax)
    throw new Refused(400, 'UPLOAD_INVALID', `A picture has at most ${limits.uploadPixelsMax / 1e6} megapixels.`);
  if (!isWhole(bytes)) throw new Refused(400, 'UPLOAD_INVALID', 'The picture ends too early.');
}

/** A PNG whose chunks lead to its end chunk, a JPEG with an end marker: half a picture would be drawn as if it were one. */
function isWhole(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer[0] === 0xff) return buffer.lastIndexOf(Buffer.from([0xff, 0xd9])) > 0;
  for (let at = 8; at + 12 <= buffer.length; at += 12 + buffer.readUInt32BE(at))
    if (buffer.toString('latin1', at + 4, at + 8) === 'IEND') return true;
  return false;
}

const pngHead = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Width and height by the header of a PNG (its first chunk is always IHDR). */
export function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 24 || !buffer.subarray(0, 8).equals(pngHead) || buffer.toString('latin1', 12, 16) !== 'IHDR')
    return undefined;
  return { width: buffer.readUInt32BE(16), height: buffer.readUInt32BE(20) };
}

/** Width and height by the frame header of a JPEG: markers are walked, nothing is decoded. */
export function jpegSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 4 || buffer.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 < buffer.length; ) {
    if (buffer[at] !== 0xff) return undefined;
    const marker = buffer[at + 1] ?? 0;
    if (marker === 0xff) {
      at++;
      continue;
    }
    // Frames of every kind of coding; C4, C8 and CC share the range and mean something else.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { height: buffer.readUInt16BE(at + 5), width: buffer.readUInt16BE(at + 7) };
    if (marker === 0xd9 || marker === 0xda) return undefined;
    at += 2 + buffer.readUInt16BE(at + 2);
  }
  return undefined;
}
