import { createHash } from 'node:crypto';

/** Draws that depend on nothing but what they were seeded with. */
export interface Draws {
  /** 0 ≤ x < 1, 32 bits of it. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  pick<T>(of: readonly T[]): T;
  /** One key, each as likely as its weight; `undefined` when all weights are 0. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K | undefined;
  chance(probability: number): boolean;
  /** A new order of the same things. */
  shuffled<T>(of: readonly T[]): T[];
}

/**
 * xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), seeded by SHA-256 over the
 * parts: whoever draws for the same think and purpose draws the same, in whatever order bots come.
 */
export function drawsOf(...parts: readonly (string | number)[]): Draws {
  const digest = createHash('sha256').update(parts.join('\u0000')).digest();
  return new Xoshiro(digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12));
}

class Xoshiro implements Draws {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(a: number, b: number, c: number, d: number) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    // A state of four zeros would stay there for ever.
    this.#d = d === 0 ? 1 : d;
  }

  next(): number {
    const result = Math.imul(rotated(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotated(this.#d, 11);
    return result / 2 ** 32;
  }

  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<T>(of: readonly T[]): T {
    if (of.length === 0) throw new RangeError('there is nothing to pick from');
    return of[Math.floor(this.next() * of.length)] as T;
  }

  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K | undefined {
    // Object.entries loses the key type.
    const entries = Object.entries(weights) as [K, number][];
    const sum = entries.reduce((total, [, weight]) => total + weight, 0);
    let left = this.next() * sum;
    if (sum <= 0) return undefined;
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0 && weight > 0) return key;
    }
    return entries.findLast(([, weight]) => weight > 0)?.[0];
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  shuffled<T>(of: readonly T[]): T[] {
    const all = [...of];
    for (let i = all.length - 1; i > 0; i--) {
      const j = this.whole(0, i);
      [all[i], all[j]] = [all[j] as T, all[i] as T];
    }
    return all;
  }
}

const rotated = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
