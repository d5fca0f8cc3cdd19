import type { Colour, Look } from './ansi.ts';

/* Colours of terminals made readable: each keeps its hue and moves towards black or white until it stands out 4.5 : 1. */

export type Rgb = readonly [number, number, number];

/** `--canvas` of tokens.css. */
export const canvases: { light: Rgb; dark: Rgb } = { light: [255, 255, 255], dark: [15, 18, 22] };
/** The hardest a line of a log stands on: canvas with a tenth of the accent, for lines that are linked to (log.css). */
export const grounds: { light: Rgb; dark: Rgb } = { light: [231, 238, 250], dark: [27, 34, 45] };

const named: readonly Rgb[] = [
  [40, 44, 52],
  [200, 30, 40],
  [20, 130, 65],
  [150, 105, 0],
  [30, 95, 210],
  [145, 45, 185],
  [10, 120, 140],
  [120, 128, 140],
  [90, 98, 110],
  [230, 70, 75],
  [45, 170, 85],
  [200, 150, 10],
  [75, 140, 255],
  [180, 95, 230],
  [25, 165, 185],
  [235, 238, 242],
];
const cube = [0, 95, 135, 175, 215, 255] as const;

export function rgbOf(colour: Colour): Rgb {
  if (typeof colour !== 'number') return colour;
  const direct = named[colour];
  if (direct) return direct;
  if (colour >= 232) {
    const grey = 8 + (colour - 232) * 10;
    return [grey, grey, grey];
  }
  const at = colour - 16;
  return [cube[Math.floor(at / 36) % 6] ?? 0, cube[Math.floor(at / 6) % 6] ?? 0, cube[at % 6] ?? 0];
}

const linear = (value: number): number => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const luminance = ([r, g, b]: Rgb): number => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);

/** WCAG 2.2. */
export function contrast(a: Rgb, b: Rgb): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const black: Rgb = [0, 0, 0];
const white: Rgb = [255, 255, 255];
const mixed = (a: Rgb, b: Rgb, share: number): Rgb => {
  const of = (i: 0 | 1 | 2): number => Math.round(a[i] + (b[i] - a[i]) * share);
  return [of(0), of(1), of(2)];
};

const wanted = 4.5;

/** The colour itself when it can be read on `ground`, else the nearest that can. */
export function readable(colour: Rgb, ground: Rgb): Rgb {
  if (contrast(colour, ground) >= wanted) return colour;
  const towards = contrast(black, ground) > contrast(white, ground) ? black : white;
  let [low, high] = [0, 1];
  for (let step = 0; step < 12; step += 1) {
    const middle = (low + high) / 2;
    if (contrast(mixed(colour, towards, middle), ground) >= wanted) high = middle;
    else low = middle;
  }
  return mixed(colour, towards, high);
}

const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;

export type Paint = { color?: string; backgroundColor?: string };
const painted = new Map<string, Paint>();
const paintedMax = 2_000;

/** Style properties for a look; `light-dark()` picks by the theme. */
export function paintOf({ fg, bg, inverse }: Look): Paint {
  if (fg === undefined && bg === undefined && !inverse) return {};
  const key = `${String(fg)}/${String(bg)}/${inverse ?? ''}`;
  const before = painted.get(key);
  if (before) return before;
  // A log may use any number of colours.
  if (painted.size >= paintedMax) painted.clear();
  const paint = inverse ? inverted(fg, bg) : direct(fg, bg);
  painted.set(key, paint);
  return paint;
}

function direct(fg: Colour | undefined, bg: Colour | undefined): Paint {
  if (bg !== undefined) {
    const ground = rgbOf(bg);
    const ink =
      fg === undefined
        ? contrast(black, ground) > contrast(white, ground)
          ? black
          : white
        : readable(rgbOf(fg), ground);
    return { color: css(ink), backgroundColor: css(ground) };
  }
  if (fg === undefined) return {};
  const ink = rgbOf(fg);
  return { color: `light-dark(${css(readable(ink, grounds.light))}, ${css(readable(ink, grounds.dark))})` };
}

function inverted(fg: Colour | undefined, bg: Colour | undefined): Paint {
  if (fg !== undefined) return direct(bg, fg);
  const ink = bg === undefined ? undefined : rgbOf(bg);
  // The text colours of the themes, as grounds.
  const texts: { light: Rgb; dark: Rgb } = { light: [20, 24, 31], dark: [232, 236, 241] };
  const on = (ground: Rgb, plain: Rgb): string => css(readable(ink ?? plain, ground));
  return {
    color: `light-dark(${on(texts.light, canvases.light)}, ${on(texts.dark, canvases.dark)})`,
    backgroundColor: `light-dark(${css(texts.light)}, ${css(texts.dark)})`,
  };
}
