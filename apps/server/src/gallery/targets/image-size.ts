/**
 * Width and height of a PNG in pixels, from its header, which comes first: 8 bytes of signature, length, `IHDR`, then two
 * numbers (PNG, ISO/IEC 15948). `undefined` when it is none.
 */
export function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  if (bytes.byteLength < 24) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(12) !== 0x49484452) return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
