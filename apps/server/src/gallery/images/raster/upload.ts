import { galleryLimits } from '@muster/protocol';
import { invalid } from '#kernel/base';
import type { Size } from './messages.ts';

const uploadPixelsMax = 16_000_000;
const sideMax = 20_000;

type Upload = Size & { mimeType: 'image/png' | 'image/jpeg'; orientation: number };

/**
 * What an upload says of itself in its first bytes; nothing is decoded. Throws `invalid`: `upload_type` for whatever is
 * neither PNG nor JPEG (an SVG among it), `upload_too_large` past 10 MB or 16 megapixels, `upload_broken` for a header
 * that ends early.
 */
export function readUpload(bytes: Uint8Array): Upload {
  if (bytes.byteLength > galleryLimits.uploadBytesMax)
    throw invalid(
      'upload_too_large',
      `A picture may have at most ${galleryLimits.uploadBytesMax} bytes; this one has ${bytes.byteLength}.`,
    );
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const upload = isPng(bytes) ? pngHeader(data) : isJpeg(bytes) ? jpegHeader(data) : undefined;
  if (!upload) throw invalid('upload_type', 'A picture must be a PNG or a JPEG file.');
  const { width, height } = upload;
  if (width < 1 || height < 1) throw broken();
  if (width * height > uploadPixelsMax || width > sideMax || height > sideMax)
    throw invalid('upload_too_large', `A picture may have at most 16 megapixels; this one says ${width} × ${height}.`);
  return upload;
}

const broken = (): Error => invalid('upload_broken', 'The picture ends before its size is said, or cannot be decoded.');
const starts = (bytes: Uint8Array, with_: readonly number[]): boolean => with_.every((byte, i) => bytes[i] === byte);
const isPng = (bytes: Uint8Array): boolean => starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const isJpeg = (bytes: Uint8Array): boolean => starts(bytes, [0xff, 0xd8, 0xff]);

/** PNG (W3C, third edition): IHDR is the first chunk. */
function pngHeader(data: DataView): Upload {
  if (data.byteLength < 33 || data.getUint32(12) !== 0x49484452) throw broken();
  return { mimeType: 'image/png', width: data.getUint32(16), height: data.getUint32(20), orientation: 1 };
}

/** JPEG (ITU-T T.81): segments up to the first frame header; the orientation stands in an EXIF segment before it. */
function jpegHeader(data: DataView): Upload {
  let at = 2;
  let orientation = 1;
  while (at + 9 <= data.byteLength) {
    if (data.getUint8(at) !== 0xff) throw broken();
    const marker = data.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame)
      return { mimeType: 'image/jpeg', height: data.getUint16(at + 5), width: data.getUint16(at + 7), orientation };
    if (marker === 0xd9 || marker === 0xda) break;
    const long = data.getUint16(at + 2);
    if (marker === 0xe1)
      orientation = orientationIn(data, at + 4, Math.min(data.byteLength, at + 2 + long)) ?? orientation;
    at += 2 + Math.max(2, long);
  }
  throw broken();
}

function orientationIn(data: DataView, start: number, end: number): number | undefined {
  const tiff = start + 6;
  if (tiff + 8 > end || data.getUint32(start) !== 0x45786966) return undefined;
  const little = data.getUint16(tiff) === 0x4949;
  const directory = tiff + data.getUint32(tiff + 4, little);
  if (directory + 2 > end) return undefined;
  const entries = data.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > end) return undefined;
    if (data.getUint16(at, little) !== 0x0112) continue;
    const value = data.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
