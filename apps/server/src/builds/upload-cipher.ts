import { createCipheriv, randomBytes } from 'node:crypto';

/* A credential bundle that arrives in chunks lies encrypted on disk from its first byte: AES-256-CTR under a key of its
 * own, which can go on at any offset. It proves nothing about the bytes; the finished bundle is sealed anew with a tag. */

const keyBytes = 32;
const counterBytes = 16;
const blockBytes = 16n;

export type UploadKey = { key: Buffer; counter: Buffer };

export const newUploadKey = (): Buffer => randomBytes(keyBytes + counterBytes);
export const readUploadKey = (bytes: Buffer): UploadKey => ({
  key: bytes.subarray(0, keyBytes),
  counter: bytes.subarray(keyBytes),
});

/** Encrypts, or decrypts, what stands at `offset` and after. */
export async function* crypted(
  { key, counter }: UploadKey,
  offset: number,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const start = BigInt.asUintN(128, BigInt(`0x${counter.toString('hex')}`) + BigInt(offset) / blockBytes);
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.from(start.toString(16).padStart(32, '0'), 'hex'));
  // The first block may be half used already.
  cipher.update(Buffer.alloc(Number(BigInt(offset) % blockBytes)));
  for await (const chunk of source) yield cipher.update(chunk);
}
