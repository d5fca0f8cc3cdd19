import type { Offset } from './log.ts';

const digits = 16;
const zeros = '0'.repeat(digits);
const pattern = /^(\d{16})_(\d{16})$/;

/** 16 digits with leading zeros, so that offsets sort as text. */
export function sixteen(value: number): string {
  const text = String(value);
  return zeros.slice(text.length) + text;
}

/** The wire form of "read up to `seq` of the era that began at `era` (ms)". */
export const offsetOf = (era: number, seq: number): Offset => `${sixteen(era)}_${sixteen(seq)}`;

/**
 * Reads an offset; `-1` and all zeros mean the start, which is `{ era: 0, seq: 0 }`. `undefined` when malformed.
 */
export function parseOffset(text: string): { era: number; seq: number } | undefined {
  if (text === '-1') return { era: 0, seq: 0 };
  const match = pattern.exec(text);
  if (!match) return undefined;
  const era = Number(match[1]);
  const seq = Number(match[2]);
  return Number.isSafeInteger(era) && Number.isSafeInteger(seq) ? { era, seq } : undefined;
}
