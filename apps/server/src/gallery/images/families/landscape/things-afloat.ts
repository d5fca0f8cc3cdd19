import { type Colour, colour, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { radial } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import type { ThingPainter } from './stage.ts';
import { fill, type Spot, type Stage } from './stage.ts';

const floating = (stage: Stage, { x, y, scale }: Spot, wide: number, ink: Colour): void => {
  const path = new Path();
  for (let i = 0; i < 4; i++)
    path.box(x - wide * (0.5 - i * 0.06) * scale, y + (4 + i * 7) * scale, wide * (1 - i * 0.16) * scale, 2.6 * scale);
  fill(stage, path, ink, { 'fill-opacity': 0.32 });
};

/** What stands or swims in water, and the broken light below it. */
export const floatingThings = {
  buoy(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    const lean = (stage.draws.next() - 0.5) * 20;
    stage.drawing.within('g', { transform: `rotate(${Math.round(lean)} ${Math.round(x)} ${Math.round(y)})` }, () => {
      fill(
        stage,
        new Path()
          .to(x - 24 * s, y)
          .line(x - 17 * s, y - 24 * s)
          .line(x + 17 * s, y - 24 * s)
          .line(x + 24 * s, y)
          .close(),
        accent,
      );
      fill(
        stage,
        new Path()
          .to(x - 14 * s, y - 24 * s)
          .line(x - 7 * s, y - 74 * s)
          .line(x + 7 * s, y - 74 * s)
          .line(x + 14 * s, y - 24 * s)
          .close(),
        accent,
      );
      fill(stage, new Path().box(x - 11.5 * s, y - 56 * s, 23 * s, 13 * s), mix(colour('#f7f2e6'), ink, 0.1));
      fill(stage, new Path().circle(x, y - 82 * s, 7 * s), mix(stage.light.sun, colour('#ffe08a'), 0.4));
      fill(
        stage,
        new Path()
          .to(x + 4 * s, y)
          .line(x + 2 * s, y - 74 * s)
          .line(x + 7 * s, y - 74 * s)
          .line(x + 24 * s, y)
          .close(),
        ink,
        { 'fill-opacity': 0.28 },
      );
    });
    floating(stage, spot, 56, ink);
  },
  boat(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    fill(
      stage,
      new Path()
        .to(x - 66 * s, y - 22 * s)
        .quad(x, y - 12 * s, x + 70 * s, y - 27 * s)
        .quad(x + 56 * s, y + 4 * s, x + 34 * s, y + 4 * s)
        .line(x - 40 * s, y + 4 * s)
        .quad(x - 60 * s, y, x - 66 * s, y - 22 * s)
        .close(),
      mix(accent, ink, 0.12),
    );
    fill(
      stage,
      new Path()
        .to(x - 66 * s, y - 22 * s)
        .quad(x, y - 12 * s, x + 70 * s, y - 27 * s)
        .quad(x, y - 3 * s, x - 64 * s, y - 15 * s)
        .close(),
      mix(colour('#f7f2e6'), ink, 0.12),
    );
    fill(
      stage,
      new Path().box(x - 22 * s, y - 46 * s, 38 * s, 29 * s).box(x + 3 * s, y - 66 * s, 4 * s, 22 * s),
      mix(colour('#f4efe4'), ink, 0.2),
    );
    fill(
      stage,
      new Path().box(x - 16 * s, y - 40 * s, 10 * s, 10 * s).box(x, y - 40 * s, 10 * s, 10 * s),
      mix(stage.light.sun, colour('#ffd27a'), 0.6),
    );
    floating(stage, spot, 120, ink);
  },
  sailboat(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    const cloth = mix(colour('#fbf6ea'), stage.light.sky[3], 0.25);
    fill(
      stage,
      new Path()
        .to(x, y - 130 * s)
        .quad(x + 52 * s, y - 64 * s, x + 58 * s, y - 16 * s)
        .line(x + 3 * s, y - 16 * s)
        .close(),
      cloth,
    );
    fill(
      stage,
      new Path()
        .to(x - 4 * s, y - 118 * s)
        .quad(x - 30 * s, y - 60 * s, x - 44 * s, y - 18 * s)
        .line(x - 4 * s, y - 18 * s)
        .close(),
      accent,
    );
    fill(stage, new Path().box(x - 2 * s, y - 134 * s, 3.4 * s, 124 * s), ink);
    fill(
      stage,
      new Path()
        .to(x - 54 * s, y - 11 * s)
        .line(x + 64 * s, y - 11 * s)
        .quad(x + 50 * s, y + 7 * s, x + 34 * s, y + 7 * s)
        .line(x - 36 * s, y + 7 * s)
        .quad(x - 50 * s, y + 5 * s, x - 54 * s, y - 11 * s)
        .close(),
      mix(ink, accent, 0.25),
    );
    floating(stage, spot, 96, ink);
  },
  lighthouse(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    const white = mix(colour('#f7f2e6'), stage.light.near, 0.3 - stage.light.local * 0.25);
    fill(
      stage,
      new Path().blob([
        [x - 118 * s, y + 6 * s],
        [x - 70 * s, y - 26 * s],
        [x - 14 * s, y - 40 * s],
        [x + 50 * s, y - 30 * s],
        [x + 116 * s, y + 5 * s],
        [x, y + 14 * s],
      ]),
      mix(ink, stage.light.sky[1], 0.16),
    );
    const body = (from: number, to: number): Path => {
      const at = (share: number): number => between(28, 18, share) * s;
      const up = (share: number): number => y - 34 * s - share * 170 * s;
      return new Path()
        .to(x - at(from), up(from))
        .line(x - at(to), up(to))
        .line(x + at(to), up(to))
        .line(x + at(from), up(from))
        .close();
    };
    fill(stage, body(0, 1), white);
    for (const share of [0.16, 0.5, 0.84]) fill(stage, body(share, share + 0.15), accent);
    fill(
      stage,
      new Path().box(x - 24 * s, y - 210 * s, 48 * s, 7 * s).box(x - 14 * s, y - 236 * s, 28 * s, 26 * s),
      ink,
    );
    fill(
      stage,
      new Path()
        .to(x - 19 * s, y - 236 * s)
        .line(x, y - 258 * s)
        .line(x + 19 * s, y - 236 * s)
        .close(),
      accent,
    );
    fill(stage, new Path().box(x - 9 * s, y - 232 * s, 18 * s, 18 * s), colour('#ffe9a8'));
    fill(
      stage,
      new Path()
        .to(x + 6 * s, y - 34 * s)
        .line(x + 4 * s, y - 204 * s)
        .line(x + 18 * s, y - 204 * s)
        .line(x + 28 * s, y - 34 * s)
        .close(),
      ink,
      { 'fill-opacity': 0.22 },
    );
    if (stage.light.local < 0.5) {
      const beam = radial(stage.drawing, [
        [0, colour('#fff0b8'), 0.75],
        [1, colour('#fff0b8'), 0],
      ]);
      fill(
        stage,
        new Path()
          .to(x, y - 223 * s)
          .line(x + 460 * s, y - 300 * s)
          .line(x + 460 * s, y - 176 * s)
          .close(),
        stage.light.sun,
        { 'fill-opacity': 0.16 },
      );
      stage.drawing.add('circle', { cx: x, cy: y - 223 * s, r: 80 * s, fill: beam });
    }
  },
} satisfies Record<string, ThingPainter>;
