import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Font } from './font.ts';

const folder = new URL('../fonts/', import.meta.url);
const files = ['manrope-medium.ttf', 'manrope-extrabold.ttf', 'fraunces-semibold.ttf'] as const;

/** Where the rasteriser finds what drawings name. */
export const fontFiles: readonly string[] = files.map((file) => fileURLToPath(new URL(file, folder)));

const read = (file: (typeof files)[number]): Uint8Array => readFileSync(new URL(file, folder));

/** Labels and running words. */
export const plain = new Font('Manrope', 500, read('manrope-medium.ttf'));
/** Headlines and figures. */
export const bold = new Font('Manrope', 800, read('manrope-extrabold.ttf'));
/** Titles with a warmer voice. */
export const serif = new Font('Fraunces', 600, read('fraunces-semibold.ttf'));

const fallbacks: Readonly<Record<string, string>> = {
  Manrope: 'Manrope, Helvetica, Arial, sans-serif',
  Fraunces: 'Fraunces, Georgia, serif',
};
/** What to write for a reader that has not got the font. */
export const familyOf = (font: Font): string => fallbacks[font.family] ?? 'sans-serif';
