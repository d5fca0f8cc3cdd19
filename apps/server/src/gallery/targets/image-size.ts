/** Width and height of a picture of ours in pixels, from its first bytes; `undefined` when they do not say. */
export function imageSize(mimeType: string, bytes: Uint8Array): { width: number; height: number } | undefined {
  return mimeType === 'image/png' ? pngSize(bytes) : svgSize(bytes);
}

/** The header chunk comes first: 8 bytes of signature, length, `IHDR`, then two numbers (PNG, ISO/IEC 15948). */
function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  if (bytes.byteLength < 24) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(12) !== 0x49484452) return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

function svgSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  const head = /<svg\b[^>]*>/.exec(Buffer.from(bytes.subarray(0, 4_096)).toString('utf8'))?.[0] ?? '';
  const box = /\bviewBox\s*=\s*["']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)/.exec(head);
  const width = Number(/\bwidth\s*=\s*["']([\d.]+)/.exec(head)?.[1] ?? box?.[1]);
  const height = Number(/\bheight\s*=\s*["']([\d.]+)/.exec(head)?.[1] ?? box?.[2]);
  return width > 0 && height > 0 ? { width: Math.round(width), height: Math.round(height) } : undefined;
}
