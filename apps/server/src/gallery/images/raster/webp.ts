/** As much of `sharp` as is used; it is optional, so its types may not be there. */
type Sharp = (input: Uint8Array) => { webp(options: { quality: number }): { toBuffer(): Promise<Uint8Array> } };

let found: Promise<Sharp | undefined> | undefined;

async function findSharp(): Promise<Sharp | undefined> {
  // A name that no tool resolves ahead: whoever wants WebP installs it.
  const name = 'sharp';
  try {
    const loaded = (await import(name)) as { default: Sharp };
    return loaded.default;
  } catch {
    return undefined;
  }
}

/** `undefined` when `sharp` is not installed; then the PNG is not even drawn. */
export async function toWebp(png: () => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  found ??= findSharp();
  const sharp = await found;
  return (
    sharp &&
    (await sharp(await png())
      .webp({ quality: 86 })
      .toBuffer())
  );
}
