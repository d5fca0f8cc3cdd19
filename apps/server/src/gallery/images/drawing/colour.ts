import { clamp } from './numbers.ts';

/** A colour by how light it looks (0..1), how strong it is (0..0.37) and its hue in degrees: OKLCH. */
export type Colour = { l: number; c: number; h: number };

export const lch = (l: number, c: number, h: number): Colour => ({ l, c, h });

const radians = Math.PI / 180;

/**
 * As `#rrggbb`. OKLab by Björn Ottosson ("A perceptual color space for image processing", 2020); what sRGB cannot show
 * loses strength, never its hue or lightness.
 */
export function css({ l, c, h }: Colour): string {
  const cos = Math.cos(h * radians);
  const sin = Math.sin(h * radians);
  const light = clamp(l, 0, 1);
  let strength = Math.max(0, c);
  for (let step = 0; step < 12; step++) {
    const [r, g, b] = linear(light, strength * cos, strength * sin);
    if (fits(r) && fits(g) && fits(b)) return hex(r, g, b);
    strength *= 0.87;
  }
  const [r, g, b] = linear(light, 0, 0);
  return hex(r, g, b);
}

const fits = (x: number): boolean => x >= -0.002 && x <= 1.002;

function linear(light: number, a: number, b: number): [number, number, number] {
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

const hex = (r: number, g: number, b: number): string =>
  `#${((byte(r) << 16) | (byte(g) << 8) | byte(b) | (1 << 24)).toString(16).slice(1)}`;

/** sRGB's curve, from a table of 4096 steps: finer than a byte can tell, and the same everywhere. */
const curve = Uint8Array.from({ length: 4097 }, (_, i) => {
  const x = i / 4096;
  return Math.round(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
});
const byte = (x: number): number => curve[Math.round(clamp(x, 0, 1) * 4096)] ?? 0;

const memory = new Map<string, Colour>();
/** `#rrggbb` read back; for the colours that people chose. */
export function colour(text: string): Colour {
  const found = memory.get(text);
  if (found) return found;
  const value = Number.parseInt(text.slice(1), 16);
  const [r, g, b] = [value >> 16, (value >> 8) & 255, value & 255].map((part) => {
    const x = part / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const light = 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s;
  const a = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  const bb = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  const read = { l: light, c: Math.hypot(a, bb), h: (Math.atan2(bb, a) / radians + 360) % 360 };
  // Only names written in the source come here, so this stays small.
  memory.set(text, read);
  return read;
}

/** From one colour to the other, straight through the solid, as the eye expects of haze and light. */
export function mix(from: Colour, to: Colour, share: number): Colour {
  const a = from.c * Math.cos(from.h * radians) * (1 - share) + to.c * Math.cos(to.h * radians) * share;
  const b = from.c * Math.sin(from.h * radians) * (1 - share) + to.c * Math.sin(to.h * radians) * share;
  return { l: from.l * (1 - share) + to.l * share, c: Math.hypot(a, b), h: (Math.atan2(b, a) / radians + 360) % 360 };
}

export const lighter = (from: Colour, by: number): Colour => ({ ...from, l: clamp(from.l + by, 0, 1) });
export const turned = (from: Colour, by: number): Colour => ({ ...from, h: (from.h + by + 360) % 360 });

/** Light or dark, whichever can be read on `ground`. */
export const readableOn = (ground: Colour, light: Colour, dark: Colour): Colour =>
  Math.abs(ground.l - light.l) > Math.abs(ground.l - dark.l) ? light : dark;

const hues: readonly (readonly [number, string])[] = [
  [20, 'pink'],
  [45, 'red'],
  [70, 'orange'],
  [85, 'amber'],
  [115, 'yellow'],
  [160, 'green'],
  [210, 'teal'],
  [250, 'blue'],
  [285, 'indigo'],
  [330, 'violet'],
  [360, 'pink'],
];
/** The word that people would use for it. */
export function colourName({ l, c, h }: Colour): string {
  if (c < 0.03) return l > 0.92 ? 'white' : l > 0.75 ? 'pale grey' : l > 0.4 ? 'grey' : 'black';
  if (l > 0.85 && c < 0.07) return h > 45 && h < 115 ? 'cream' : `pale ${hues.find(([to]) => h < to)?.[1] ?? 'red'}`;
  if (h >= 45 && h < 85 && l < 0.55) return 'brown';
  const name = hues.find(([to]) => h < to)?.[1] ?? 'red';
  return l < 0.38 ? `dark ${name}` : name;
}
