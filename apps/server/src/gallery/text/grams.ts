import { folded } from './clean.ts';

/** What two texts are compared by: their different character trigrams, as sorted 32-bit hashes, and their SimHash. */
export type Print = { grams: Uint32Array; low: number; high: number };

/** As sameness sees it: compatibility forms and case folded, runs of white space as one, a stop at the end dropped. */
export function plainOf(text: string): string {
  const plain = folded(text);
  return / {2}|[^\S ]|^ | $/.test(plain) ? plain.replaceAll(/\s+/gu, ' ').trim() : plain;
}

/** Different trigrams of a plain text; of one shorter than three characters, itself. */
export function gramsOf(plain: string): Uint32Array {
  const count = Math.max(1, plain.length - 2);
  const all = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    all[i] = mixed(
      Math.imul(plain.charCodeAt(i) + 1, 0x9e_37_79_b1) ^
        Math.imul((plain.charCodeAt(i + 1) || 0) + 3, 0x85_eb_ca_77) ^
        Math.imul((plain.charCodeAt(i + 2) || 0) + 7, 0xc2_b2_ae_3d),
    );
  }
  all.sort();
  let kept = 0;
  for (let i = 0; i < count; i++) if (i === 0 || all[i] !== all[i - 1]) all[kept++] = all[i] ?? 0;
  return all.slice(0, kept);
}

/** Final mix of MurmurHash3 (Appleby), 32 bits. */
function mixed(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85_eb_ca_6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2_b2_ae_35);
  return (h ^ (h >>> 16)) >>> 0;
}

const votes = new Int32Array(64);

/** SimHash (Charikar, "Similarity estimation techniques from rounding algorithms", 2002) with one vote a gram and bit. */
export function printOf(text: string): Print {
  const grams = gramsOf(plainOf(text));
  votes.fill(0);
  for (const gram of grams) {
    const second = mixed(gram ^ 0x5b_d1_e9_95);
    for (let bit = 0; bit < 32; bit++) {
      votes[bit] = (votes[bit] ?? 0) + ((gram >>> bit) & 1);
      votes[32 + bit] = (votes[32 + bit] ?? 0) + ((second >>> bit) & 1);
    }
  }
  let low = 0;
  let high = 0;
  const half = grams.length / 2;
  for (let bit = 0; bit < 32; bit++) {
    if ((votes[bit] ?? 0) > half) low |= 1 << bit;
    if ((votes[32 + bit] ?? 0) > half) high |= 1 << bit;
  }
  return { grams, low: low >>> 0, high: high >>> 0 };
}

export function differingBits(a: { low: number; high: number }, low: number, high: number): number {
  return ones(a.low ^ low) + ones(a.high ^ high);
}

function ones(bits: number): number {
  let x = bits - ((bits >>> 1) & 0x55_55_55_55);
  x = (x & 0x33_33_33_33) + ((x >>> 2) & 0x33_33_33_33);
  return Math.imul((x + (x >>> 4)) & 0x0f_0f_0f_0f, 0x01_01_01_01) >>> 24;
}

/** Shared by all: |a ∩ b| / |a ∪ b| of two sorted sets. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i] ?? 0;
    const y = b[j] ?? 0;
    if (x === y) shared += 1;
    if (x <= y) i += 1;
    if (y <= x) j += 1;
  }
  return shared / (a.length + b.length - shared);
}
