/* The colours of the console (dashboard §7): read on what they stand on, and told apart by everybody. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tones } from '@muster/protocol/tones';
import { describe, expect, it } from 'vitest';
import { canvases, contrast, grounds, type Rgb } from './log/colour.ts';

const css = readFileSync(join(import.meta.dirname, '../styles/tokens.css'), 'utf8');

type Theme = Record<string, string>;
function themeOf(selector: RegExp): Theme {
  const block = selector.exec(css)?.[1] ?? '';
  return Object.fromEntries(
    [...block.matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

const light = themeOf(/:root \{([^}]*)\}/);
const dark = themeOf(/:root\[data-theme=['"]dark['"]\] \{([^}]*)\}/);
const system = themeOf(/:root\[data-theme=['"]system['"]\] \{([^}]*)\}/);
const themes = { light: { colours: light, apart: 0.09 }, dark: { colours: dark, apart: 0.14 } };

const rgb = (hex: string): Rgb => {
  const part = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
};

type Three = [number, number, number];
const times = (m: readonly Three[], v: Three): Three => m.map(([a, b, c]) => a * v[0] + b * v[1] + c * v[2]) as Three;
const linear = (hex: string): Three =>
  rgb(hex).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Three;

/* Machado, Oliveira & Fernandes 2009, severity 1.0, on linear light. */
const sights: Record<string, readonly Three[]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/* Ottosson's OKLab, from linear sRGB. */
function okLab(v: Three): Three {
  const lms = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    v,
  ).map((value) => Math.cbrt(value)) as Three;
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    lms,
  );
}

const seen = (hex: string, sight: readonly Three[]): Three =>
  okLab(times(sight, linear(hex)).map((value) => Math.min(1, Math.max(0, value))) as Three);
const distance = (a: Three, b: Three): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

describe('colours', () => {
  it('are all there, and the same in dark and in dark by the system', () => {
    expect(Object.keys(light).length).toBeGreaterThan(16);
    expect(Object.keys(dark).toSorted()).toEqual(Object.keys(light).toSorted());
    expect(system).toEqual(dark);
    expect([rgb(light['canvas'] ?? ''), rgb(dark['canvas'] ?? '')]).toEqual([canvases.light, canvases.dark]);
  });

  it('of log lines are measured on the canvas with a tenth of the accent', () => {
    const tinted = ({ canvas = '', accent = '' }: Theme) =>
      rgb(canvas).map((value, i) => Math.round(value * 0.9 + (rgb(accent)[i] ?? 0) * 0.1));
    expect([grounds.light, grounds.dark]).toEqual([tinted(light), tinted(dark)]);
  });

  for (const [name, { colours, apart }] of Object.entries(themes)) {
    const of = (key: string): string => colours[key] ?? '';
    it(`${name}: text and tones stand out 4.5 : 1 on canvas and panel`, () => {
      const inks = ['text', 'soft', 'accent', ...tones.map((tone) => `tone-${tone}`)];
      const low = inks.flatMap((ink) =>
        ['canvas', 'panel'].map((ground) => ({ ink, ground, ratio: contrast(rgb(of(ink)), rgb(of(ground))) })),
      );
      expect(low).toHaveLength(18);
      expect(low.filter(({ ratio }) => !(ratio >= 4.5))).toEqual([]);
      expect(contrast(rgb(of('on-accent')), rgb(of('accent')))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(rgb(of('text')), rgb(of('hover')))).toBeGreaterThanOrEqual(7);
      expect(contrast(rgb(of('soft')), rgb(of('hover')))).toBeGreaterThanOrEqual(4.5);
    });

    it(`${name}: borders of controls stand out 3 : 1`, () => {
      for (const ground of ['canvas', 'panel'])
        expect(contrast(rgb(of('line')), rgb(of(ground))), ground).toBeGreaterThanOrEqual(3);
    });

    it(`${name}: tones are told apart by every sight`, () => {
      const pairs = tones.flatMap((a, i) => tones.slice(i + 1).map((b) => [a, b] as const));
      const near = Object.entries(sights).flatMap(([sight, matrix]) =>
        pairs.map(([a, b]) => ({
          sight,
          a,
          b,
          apart: distance(seen(of(`tone-${a}`), matrix), seen(of(`tone-${b}`), matrix)),
        })),
      );
      expect(near).toHaveLength(60);
      expect(near.filter((pair) => !(pair.apart >= apart))).toEqual([]);
    });
  }
});
