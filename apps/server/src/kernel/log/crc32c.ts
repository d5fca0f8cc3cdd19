/**
 * CRC32C (Castagnoli, reflected 0x82F63B78), eight table look-ups per 8 bytes: "slicing-by-8", M. Kounavis and F. Berry,
 * Intel 2005. Everything stored by the log is 8-byte aligned, so the hot loop reads whole little-endian words.
 *
 * A running value is chained by passing it on: `crc(crc(seedOf(…), …), …)`. The usual final inversion is left to
 * `crc32c`, because chained values only ever meet each other.
 */
const tables = buildTables();

function buildTables(): Int32Array {
  const all = new Int32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    all[n] = crc;
  }
  for (let n = 256; n < all.length; n++) {
    const before = all[n - 256] as number;
    all[n] = (before >>> 8) ^ (all[before & 255] as number);
  }
  return all;
}

/** Continues `crc` over words `from..to` of `words`; an even number of them (8-byte steps). */
export function crcWords(crc: number, words: Uint32Array, from: number, to: number): number {
  const t = tables;
  let c = crc | 0;
  for (let i = from; i < to; i += 2) {
    // Only the low word waits for the step before; the parentheses keep the other half off that chain.
    const high = words[i + 1] as number;
    const ahead =
      (t[768 + (high & 255)] as number) ^
      (t[512 + ((high >>> 8) & 255)] as number) ^
      ((t[256 + ((high >>> 16) & 255)] as number) ^ (t[high >>> 24] as number));
    const low = c ^ (words[i] as number);
    c =
      ahead ^
      ((t[1792 + (low & 255)] as number) ^ (t[1536 + ((low >>> 8) & 255)] as number)) ^
      ((t[1280 + ((low >>> 16) & 255)] as number) ^ (t[1024 + (low >>> 24)] as number));
  }
  return c;
}

/** Continues `crc` over one 32-bit word. */
export function crcWord(crc: number, word: number): number {
  const c = crc ^ word;
  return (
    (tables[768 + (c & 255)] as number) ^
    (tables[512 + ((c >>> 8) & 255)] as number) ^
    (tables[256 + ((c >>> 16) & 255)] as number) ^
    (tables[c >>> 24] as number)
  );
}

/** Continues `crc` over single bytes, for what is not aligned. */
export function crcBytes(crc: number, bytes: Uint8Array, from = 0, to = bytes.length): number {
  let c = crc | 0;
  for (let i = from; i < to; i++) c = (c >>> 8) ^ (tables[(c ^ (bytes[i] as number)) & 255] as number);
  return c;
}

/** The checksum as published test vectors have it: `123456789` gives e3069283. */
export const crc32c = (bytes: Uint8Array): number => ~crcBytes(-1, bytes) >>> 0;

/** Refuses to run on a machine where the stored form would come out differently. */
export function checkMachine(): void {
  if (crc32c(Buffer.from('123456789')) !== 0xe3069283) throw new Error('CRC32C gives a wrong value on this machine');
  const words = new Uint32Array(Uint8Array.from([1, 0, 0, 0, 2, 0, 0, 0]).buffer);
  if (words[0] !== 1) throw new Error('the log needs a little-endian machine');
  if (~crcWords(-1, words, 0, 2) >>> 0 !== crc32c(new Uint8Array(words.buffer)))
    throw new Error('CRC32C by words differs from CRC32C by bytes');
}
