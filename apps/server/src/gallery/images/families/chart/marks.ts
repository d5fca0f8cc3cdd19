import { type Colour, css, mix } from '../../drawing/colour.ts';
import { between, turn } from '../../drawing/numbers.ts';
import { linear } from '../../drawing/paint.ts';
import { type Palette } from '../../drawing/palettes.ts';
import { Path, type Point } from '../../drawing/path.ts';
import type { Drawing } from '../../drawing/svg.ts';
import { bold, plain } from '../../type/fonts.ts';
import { cut, headline, label } from '../../type/set.ts';
import { type Figures, type Kind, ticksTo, wholeNames } from './figures.ts';

export const [size, margin] = [1000, 84];

/** What the marks are drawn on: the field between the head and the foot, and the colours of this chart. */
export type Sheet = {
  drawing: Drawing;
  palette: Palette;
  figures: Figures;
  ground: Colour;
  ink: Colour;
  quiet: Colour;
  strong: Colour;
  left: number;
  right: number;
  top: number;
  bottom: number;
  said: string[];
};

/** What stands out, to be talked about. */
type First = { name: string; value: string };
type Painter = (sheet: Sheet) => First;

const firstOf = ({ labels, series }: Figures): { at: number; first: First } => {
  const values = series[0]?.values ?? [];
  const at = values.indexOf(Math.max(...values));
  const name = labels[at] ?? '';
  return {
    at,
    first: { name: wholeNames[name] ?? (/^\d+$/.test(name) ? `${name} o'clock` : name), value: `${values[at] ?? 0}` },
  };
};

/** Level lines with their numbers; answers where a value lies. */
function scale({ drawing, figures, left, right, top, bottom, ink, quiet, said }: Sheet): (value: number) => number {
  const ticks = ticksTo(figures.most * 1.04);
  const most = ticks.at(-1) ?? 1;
  const at = (value: number): number => between(bottom, top, value / most);
  const lines = new Path();
  for (const tick of ticks) {
    if (tick > 0) lines.to(left, at(tick)).line(right, at(tick));
    label(drawing, plain, `${tick}`, {
      x: left - 14,
      y: at(tick) + 8,
      size: 22,
      fill: ink,
      anchor: 'end',
      opacity: 0.66,
    });
    said.push(`${tick}`);
  }
  drawing.add('path', {
    d: lines.d,
    fill: 'none',
    stroke: css(quiet),
    'stroke-width': 1.5,
    'stroke-opacity': 0.6,
    'stroke-dasharray': '2 7',
  });
  drawing.add('path', {
    d: new Path().to(left, bottom).line(right, bottom).d,
    fill: 'none',
    stroke: css(ink),
    'stroke-width': 2.5,
  });
  return at;
}

function across({ drawing, figures, left, right, bottom, ink, said }: Sheet, inset: number): (i: number) => number {
  const { labels } = figures;
  const step = (right - left - 2 * inset) / Math.max(1, labels.length - 1);
  const x = (i: number): number => left + inset + i * step;
  for (const [i, name] of labels.entries()) {
    label(drawing, plain, cut(plain, name, 22, step * 1.05), {
      x: x(i),
      y: bottom + 38,
      size: 22,
      fill: ink,
      anchor: 'middle',
      opacity: 0.8,
    });
    said.push(name);
  }
  return x;
}

const value = (
  sheet: Sheet,
  words: string,
  x: number,
  y: number,
  anchor: 'start' | 'middle' | 'end' = 'middle',
): void => {
  label(sheet.drawing, bold, words, { x, y, size: 30, fill: sheet.ink, anchor });
  sheet.said.push(words);
};

export const painters: Readonly<Record<Kind, Painter>> = {
  bar(sheet) {
    const { drawing, figures, left, right, bottom, strong, palette, ground } = sheet;
    const y = scale(sheet);
    const wide = (right - left) / figures.labels.length;
    const x = across(sheet, wide / 2);
    const { at, first } = firstOf(figures);
    const others = mix(palette.inks[1], ground, 0.35);
    for (const [i, amount] of (figures.series[0]?.values ?? []).entries()) {
      const w = wide * 0.66;
      const h = bottom - y(amount);
      const r = Math.min(10, h, w / 2);
      const path = new Path()
        .to(x(i) - w / 2, bottom)
        .line(x(i) - w / 2, bottom - h + r)
        .arc(r, r, x(i) - w / 2 + r, bottom - h)
        .line(x(i) + w / 2 - r, bottom - h)
        .arc(r, r, x(i) + w / 2, bottom - h + r)
        .line(x(i) + w / 2, bottom)
        .close();
      drawing.add('path', { d: path.d, fill: css(i === at ? strong : others) });
    }
    value(sheet, first.value, x(at), y(Number(first.value)) - 14);
    return first;
  },
  rows(sheet) {
    const { drawing, figures, left, right, top, bottom, strong, palette, ground, ink, said } = sheet;
    const { first } = firstOf(figures);
    const values = figures.series[0]?.values ?? [];
    const room = Math.max(...figures.labels.map((name) => plain.width(name, 25))) + 22;
    const from = margin + room;
    const tall = (bottom + 40 - top) / values.length;
    for (const [i, amount] of values.entries()) {
      const y = top + i * tall;
      const long = ((right - 90 - from) * amount) / figures.most;
      label(drawing, plain, figures.labels[i] ?? '', { x: margin, y: y + tall * 0.5 + 3, size: 25, fill: ink });
      drawing.add('rect', {
        x: from,
        y: y + tall * 0.14,
        width: Math.max(4, long),
        height: tall * 0.58,
        rx: 7,
        fill: css(i === 0 ? strong : mix(palette.inks[1], ground, 0.1 + (0.5 * i) / values.length)),
      });
      label(drawing, bold, `${amount}`, { x: from + long + 14, y: y + tall * 0.5 + 4, size: 27, fill: ink });
      said.push(figures.labels[i] ?? '', `${amount}`);
    }
    void left;
    return first;
  },
  line(sheet) {
    const { drawing, figures, bottom, strong, palette } = sheet;
    const y = scale(sheet);
    const x = across(sheet, 30);
    const { at, first } = firstOf(figures);
    const colours = [strong, ...palette.inks.filter((ink) => ink !== strong)];
    const ends: { y: number; name: string; colour: Colour }[] = [];
    for (const [s, { name, values }] of figures.series.entries()) {
      const points = values.map((amount, i): Point => [x(i), y(amount)]);
      const colour = colours[s] ?? strong;
      if (s === 0 && figures.series.length === 1) {
        const under = new Path()
          .through(points)
          .line(x(values.length - 1), bottom)
          .line(x(0), bottom)
          .close();
        drawing.add('path', {
          d: under.d,
          fill: linear(drawing, [
            [0, colour, 0.42],
            [1, colour, 0.02],
          ]),
        });
      }
      drawing.add('path', {
        d: new Path().through(points).d,
        fill: 'none',
        stroke: css(colour),
        'stroke-width': s === 0 ? 7 : 5,
        'stroke-linecap': 'round',
        ...(s === 2 ? { 'stroke-dasharray': '2 13' } : undefined),
      });
      ends.push({ y: points.at(-1)?.[1] ?? bottom, name, colour });
    }
    if (figures.series.length > 1) legend(sheet, ends);
    drawing.add('circle', {
      cx: x(at),
      cy: y(Number(first.value)),
      r: 13,
      fill: css(sheet.ground),
      stroke: css(strong),
      'stroke-width': 7,
    });
    value(sheet, first.value, x(at), y(Number(first.value)) - 28);
    return first;
  },
  area(sheet) {
    const { drawing, figures, bottom, palette, ground } = sheet;
    const y = scale(sheet);
    const x = across(sheet, 30);
    const under = figures.labels.map(() => 0);
    const entries: { y: number; name: string; colour: Colour }[] = [];
    for (const [s, { name, values }] of figures.series.entries()) {
      const lower = under.map((amount, i): Point => [x(i), y(amount)]);
      for (const [i, amount] of values.entries()) under[i] = (under[i] ?? 0) + amount;
      const upper = under.map((amount, i): Point => [x(i), y(amount)]);
      const colour = palette.inks[s] ?? sheet.strong;
      drawing.add('path', {
        d: new Path().through(upper).through(lower.toReversed(), true).close().d,
        fill: css(colour),
        stroke: css(ground),
        'stroke-width': 3,
      });
      entries.push({ y: bottom, name, colour });
    }
    legend(sheet, entries);
    const at = under.indexOf(Math.max(...under));
    value(sheet, `${under[at] ?? 0}`, x(at), y(under[at] ?? 0) - 18);
    const name = figures.labels[at] ?? '';
    return { name: wholeNames[name] ?? (/^\d+$/.test(name) ? `${name} o'clock` : name), value: `${under[at] ?? 0}` };
  },
  dot(sheet) {
    const { drawing, figures, left, right, bottom, strong, palette, quiet } = sheet;
    const y = scale(sheet);
    const wide = (right - left) / figures.labels.length;
    const x = across(sheet, wide / 2);
    const { at, first } = firstOf(figures);
    const stems = new Path();
    const values = figures.series[0]?.values ?? [];
    for (const [i, amount] of values.entries()) stems.to(x(i), bottom).line(x(i), y(amount));
    drawing.add('path', { d: stems.d, fill: 'none', stroke: css(quiet), 'stroke-width': 5, 'stroke-linecap': 'round' });
    for (const [i, amount] of values.entries())
      drawing.add('circle', {
        cx: x(i),
        cy: y(amount),
        r: i === at ? 27 : 18,
        fill: css(i === at ? strong : palette.inks[1]),
      });
    value(sheet, first.value, x(at), y(Number(first.value)) - 40);
    return first;
  },
  donut(sheet) {
    const { drawing, figures, palette, ground, ink, top, bottom, said } = sheet;
    const values = figures.series[0]?.values ?? [];
    const [cx, cy, r] = [size * 0.36, (top + bottom) / 2 + 30, Math.min(270, (bottom - top) / 2 + 20)];
    let from = -turn / 4;
    let keyY = cy - (values.length - 1) * 46;
    for (const [i, amount] of values.entries()) {
      const to = from + (turn * amount) / 100;
      const out = i === 0 ? 1.06 : 1;
      const at = (angle: number, reach: number): Point => [
        cx + Math.cos(angle) * r * reach,
        cy + Math.sin(angle) * r * reach,
      ];
      const large = to - from > Math.PI ? 1 : 0;
      const path = new Path()
        .to(...at(from, out))
        .arc(r * out, r * out, ...at(to, out), large)
        .line(...at(to, 0.56))
        .arc(r * 0.56, r * 0.56, ...at(from, 0.56), large, 0)
        .close();
      const colour = palette.inks[i] ?? ink;
      drawing.add('path', {
        d: path.d,
        fill: css(colour),
        stroke: css(ground),
        'stroke-width': 5,
        'stroke-linejoin': 'round',
      });
      drawing.add('circle', { cx: size * 0.69, cy: keyY, r: 13, fill: css(colour) });
      label(drawing, plain, figures.labels[i] ?? '', { x: size * 0.715, y: keyY - 2, size: 25, fill: ink });
      label(drawing, bold, `${amount} %`, { x: size * 0.715, y: keyY + 29, size: 27, fill: ink });
      said.push(figures.labels[i] ?? '', `${amount} %`);
      keyY += 92;
      from = to;
    }
    headline(drawing, bold, `${values[0] ?? 0}%`, { x: cx, y: cy + 26, size: 84, fill: ink, anchor: 'middle' });
    said.push(`${values[0] ?? 0}%`);
    return { name: figures.labels[0] ?? '', value: `${values[0] ?? 0}%` };
  },
};

/** Names beside spots of their colour, in one row under the sub-line. */
function legend(
  { drawing, left, right, top, ink, said }: Sheet,
  entries: readonly { name: string; colour: Colour }[],
): void {
  let x = right;
  for (const { name, colour } of entries.toReversed()) {
    x -= plain.width(name, 24);
    label(drawing, plain, name, { x, y: top - 52, size: 24, fill: ink });
    x -= 26;
    drawing.add('circle', { cx: x + 8, cy: top - 60, r: 9, fill: css(colour) });
    x -= 30;
    said.push(name);
  }
  void left;
}
