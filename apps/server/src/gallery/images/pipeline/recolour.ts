import { type Colour, colour, css, lch, mix } from '../drawing/colour.ts';
import { clamp } from '../drawing/numbers.ts';
import type { Picture } from './picture.ts';

/** What becomes of each colour of a drawing. */
type Recolour = (from: Colour) => Colour;

const painted = /(fill|stroke|stop-color)="(#[0-9a-f]{6})"/g;

/** Our drawings name every colour as `#rrggbb`, so they are changed one by one: exact, and without a filter. */
export const recoloured = (picture: Picture, change: Recolour): Picture => ({
  ...picture,
  inner: picture.inner.replaceAll(
    painted,
    (_, attribute: string, hex: string) => `${attribute}="${css(change(colour(hex)))}"`,
  ),
});

export const modulate =
  ({
    brightness = 1,
    saturation = 1,
    hue = 0,
    contrast = 1,
  }: {
    brightness?: number;
    saturation?: number;
    hue?: number;
    contrast?: number;
  }): Recolour =>
  ({ l, c, h }) =>
    lch(clamp((l * brightness - 0.5) * contrast + 0.5, 0, 1), c * saturation, (h + hue + 720) % 360);
export const grayscale: Recolour = ({ l }) => lch(l, 0, 0);
export const negate: Recolour = ({ l, c, h }) => lch(1 - l, c, (h + 180) % 360);
/** Light stays, colour becomes that of `tint`. */
export const tinted =
  (tint: Colour): Recolour =>
  ({ l }) =>
    lch(l, tint.c * (1 - Math.abs(2 * l - 1) ** 2 * 0.6), tint.h);

const sepia = tinted(lch(0.6, 0.07, 70));
export const presets: Readonly<Record<string, Recolour>> = {
  vintage: (from) => mix(modulate({ saturation: 0.7, contrast: 0.88, brightness: 1.03 })(from), sepia(from), 0.35),
  sepia,
  cool: (from) => mix(from, lch(from.l, 0.06, 245), 0.28),
  warm: (from) => mix(from, lch(from.l, 0.08, 65), 0.28),
  dramatic: modulate({ contrast: 1.35, saturation: 1.1, brightness: 0.94 }),
  muted: modulate({ saturation: 0.55, contrast: 0.92 }),
};
