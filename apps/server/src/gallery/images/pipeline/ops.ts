import { z } from 'zod';
import { colour, css, lch, readableOn } from '../drawing/colour.ts';
import { fixed } from '../drawing/numbers.ts';
import { escaped } from '../drawing/svg.ts';
import { familyOf, plain } from '../type/fonts.ts';
import { wrapped } from '../type/set.ts';
import { framed, type Picture, placed } from './picture.ts';
import { grayscale, modulate, negate, presets, recoloured, tinted } from './recolour.ts';

const side = z.coerce.number().int().min(1).max(4_096);
const margin = z.coerce.number().int().min(0).max(2_048).default(0);
const factor = z.coerce.number().min(0).max(10);
const named: Readonly<Record<string, string>> = {
  black: '#000000',
  white: '#ffffff',
  red: '#d6402f',
  green: '#3f8f5f',
  blue: '#2f6fa8',
  yellow: '#f2b632',
  gray: '#808080',
  grey: '#808080',
  orange: '#ee7b30',
};
/** `#rgb`, `#rrggbb` or one of a few names; everything a drawing is told is rewritten as `#rrggbb`. */
const paint = z
  .string()
  .transform(
    (text) =>
      named[text.toLowerCase()] ?? text.toLowerCase().replace(/^#([0-9a-f])([0-9a-f])([0-9a-f])$/, '#$1$1$2$2$3$3'),
  )
  .pipe(z.string().regex(/^#[0-9a-f]{6}$/, 'expected a colour, such as #1b6ca8'));

/** One operation: what it takes, and what it makes of a picture. `no` is the number of the step, for names that must not clash. */
type Op = (picture: Picture, params: unknown, no: number) => Picture;
const op =
  <S extends z.ZodType>(schema: S, run: (picture: Picture, params: z.output<S>, no: number) => Picture): Op =>
  (picture, params, no) =>
    run(picture, schema.parse(params), no);

const words = z.string().min(1).max(300);
const modulation = z.object({
  brightness: factor.optional(),
  saturation: factor.optional(),
  hue: z.coerce.number().min(-360).max(360).optional(),
  contrast: factor.optional(),
  lightness: z.coerce.number().min(-100).max(100).optional(),
});

const modulateOp = op(modulation, (picture, { lightness = 0, ...rest }) => {
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return recoloured(picture, (from) => {
    const to = modulate(given)(from);
    return { ...to, l: Math.min(1, Math.max(0, to.l + lightness / 100)) };
  });
});

export const ops: Readonly<Record<string, Op>> = {
  resize: op(
    z.object({
      width: side.optional(),
      height: side.optional(),
      fit: z.enum(['cover', 'contain', 'fill', 'inside', 'outside']).default('cover'),
      kernel: z.string().max(20).optional(),
      background: paint.optional(),
    }),
    (picture, { width, height, fit, kernel, background }) => {
      const aspect = picture.width / picture.height;
      const w = width ?? Math.round((height ?? picture.height) * aspect);
      const h = height ?? Math.round(w / aspect);
      const crisp = picture.crisp || kernel === 'nearest';
      if (fit === 'inside' || fit === 'outside') {
        const scale = (fit === 'inside' ? Math.min : Math.max)(w / picture.width, h / picture.height);
        const [fw, fh] = [
          Math.max(1, Math.round(picture.width * scale)),
          Math.max(1, Math.round(picture.height * scale)),
        ];
        return { ...framed(picture, fw, fh, placed(picture, 0, 0, fw, fh, 'none')), crisp };
      }
      const how = { cover: 'xMidYMid slice', contain: 'xMidYMid meet', fill: 'none' }[fit];
      const ground =
        fit === 'contain' && background !== undefined ? `<rect width="${w}" height="${h}" fill="${background}"/>` : '';
      return { ...framed(picture, w, h, ground + placed(picture, 0, 0, w, h, how)), crisp };
    },
  ),
  convert: op(
    z.object({
      to: z.string().max(10).optional(),
      format: z.string().max(10).optional(),
      quality: z.coerce.number().optional(),
    }),
    (picture, { to, format }) => {
      const asked = (to ?? format ?? 'png').toLowerCase().replace('image/', '');
      // What we cannot write comes as PNG, which every reader has.
      return { ...picture, form: asked === 'svg' || asked === 'svg+xml' ? 'svg' : asked === 'webp' ? 'webp' : 'png' };
    },
  ),
  modulate: modulateOp,
  adjust: modulateOp,
  grayscale: op(z.object({}), (picture) => recoloured(picture, grayscale)),
  negate: op(z.object({}), (picture) => recoloured(picture, negate)),
  tint: op(z.object({ color: paint.optional(), colour: paint.optional() }), (picture, { color, colour: other }) =>
    recoloured(picture, tinted(colour(color ?? other ?? '#8a6a3a'))),
  ),
  preset: op(
    z.object({
      name: z.enum(Object.keys(presets) as [string, ...string[]]).optional(),
      preset: z.enum(Object.keys(presets) as [string, ...string[]]).optional(),
    }),
    (picture, { name, preset }) => recoloured(picture, presets[name ?? preset ?? 'vintage'] ?? grayscale),
  ),
  blur: op(z.object({ sigma: z.coerce.number().min(0.1).max(100).default(3) }), (picture, { sigma }, no) => ({
    ...picture,
    inner: `<filter id="b${no}" x="0" y="0" width="1" height="1"><feGaussianBlur stdDeviation="${fixed((sigma * picture.viewBox[2]) / picture.width)}"/></filter><g filter="url(#b${no})">${picture.inner}</g>`,
  })),
  roundCorners: op(z.object({ radius: z.coerce.number().min(0).max(2_048).default(24) }), (picture, { radius }, no) => {
    const { width: w, height: h } = picture;
    const r = fixed(Math.min(radius, w / 2, h / 2));
    const clip = `<clipPath id="c${no}"><rect width="${fixed(w)}" height="${fixed(h)}" rx="${r}"/></clipPath>`;
    return framed(picture, w, h, `${clip}<g clip-path="url(#c${no})">${placed(picture, 0, 0, w, h, 'none')}</g>`);
  }),
  extend: op(
    z.object({ top: margin, right: margin, bottom: margin, left: margin, background: paint.default('#ffffff') }),
    (picture, { top, right, bottom, left, background }) => {
      const [w, h] = [picture.width + left + right, picture.height + top + bottom];
      return framed(
        picture,
        w,
        h,
        `<rect width="${fixed(w)}" height="${fixed(h)}" fill="${background}"/>${placed(picture, left, top, picture.width, picture.height, 'none')}`,
      );
    },
  ),
  extract: op(
    z.object({ left: margin, top: margin, width: side, height: side }),
    (picture, { left, top, width, height }) => {
      if (left >= picture.width || top >= picture.height) throw new RangeError('nothing of the picture lies there');
      const [w, h] = [Math.min(width, picture.width - left), Math.min(height, picture.height - top)];
      return framed(picture, w, h, placed(picture, -left, -top, picture.width, picture.height, 'none'));
    },
  ),
  addText: op(
    z.object({
      text: words,
      x: z.coerce.number().min(0).max(4_096).default(24),
      y: z.coerce.number().min(0).max(4_096).default(48),
      size: z.coerce.number().min(6).max(400).optional(),
      fontSize: z.coerce.number().min(6).max(400).optional(),
      color: paint.default('#ffffff'),
    }),
    (picture, { text, x, y, size, fontSize, color }) => {
      const { width: w, height: h } = picture;
      return framed(
        picture,
        w,
        h,
        placed(picture, 0, 0, w, h, 'none') +
          lineOfText(text, x, y, size ?? fontSize ?? Math.round(h / 18), Math.max(10, w - x), color),
      );
    },
  ),
  addCaption: op(
    z.object({
      text: words,
      position: z.enum(['top', 'bottom']).default('bottom'),
      background: paint.default('#12263a'),
      color: paint.optional(),
      size: z.coerce.number().min(6).max(200).optional(),
    }),
    (picture, { text, position, background, color, size }) => {
      const { width: w, height: h } = picture;
      const type = size ?? Math.max(10, Math.round(w / 28));
      const lines = wrapped(plain, text, type, w - 2 * type, 4);
      const bar = Math.round(type * (lines.length * 1.35 + 1));
      const ink = color ?? css(readableOn(colour(background), lch(0.98, 0.01, 90), lch(0.2, 0.02, 250)));
      const top = position === 'top';
      const rows = lines
        .map((line, i) => lineOfText(line, type, (top ? 0 : h) + type * (1.5 + i * 1.35), type, w - 2 * type, ink))
        .join('');
      return framed(
        picture,
        w,
        h + bar,
        `<rect width="${fixed(w)}" height="${fixed(h + bar)}" fill="${background}"/>${placed(picture, 0, top ? bar : 0, w, h, 'none')}${rows}`,
      );
    },
  ),
};

/** As text, never as markup; squeezed where it would run over. */
function lineOfText(text: string, x: number, y: number, size: number, room: number, fill: string): string {
  const line = text.replaceAll(/\s+/gu, ' ');
  const wide = plain.width(line, size);
  const fit = wide > room ? ` textLength="${fixed(room)}" lengthAdjust="spacingAndGlyphs"` : '';
  return `<text x="${fixed(x)}" y="${fixed(y)}" fill="${fill}" font-family="${familyOf(plain)}" font-weight="500" font-size="${fixed(size)}"${fit}>${escaped(line)}</text>`;
}
