import { colour, css, mix } from '../../drawing/colour.ts';
import { radial } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import type { ThingPainter } from './stage.ts';
import { fill } from './stage.ts';

/** What people put there. */
export const builtThings = {
  house(stage, { x, y, scale: s }, accent, ink) {
    const wall = mix(colour('#f0e6d2'), stage.light.near, 0.42 - stage.light.local * 0.35);
    fill(stage, new Path().box(x - 44 * s, y - 52 * s, 88 * s, 56 * s), wall);
    fill(stage, new Path().box(x + 14 * s, y - 52 * s, 30 * s, 56 * s), ink, { 'fill-opacity': 0.2 });
    fill(
      stage,
      new Path()
        .to(x - 54 * s, y - 50 * s)
        .line(x - 30 * s, y - 92 * s)
        .line(x + 34 * s, y - 92 * s)
        .line(x + 54 * s, y - 50 * s)
        .close(),
      mix(accent, ink, 0.2),
    );
    fill(stage, new Path().box(x + 16 * s, y - 112 * s, 12 * s, 30 * s), mix(wall, ink, 0.4));
    fill(stage, new Path().box(x - 10 * s, y - 28 * s, 18 * s, 32 * s), mix(ink, accent, 0.2));
    const lit = stage.light.local < 0.5 ? colour('#ffd27a') : mix(stage.light.sky[1], ink, 0.4);
    fill(
      stage,
      new Path().box(x - 35 * s, y - 38 * s, 16 * s, 16 * s).box(x + 20 * s, y - 38 * s, 16 * s, 16 * s),
      lit,
    );
    const smoke = new Path();
    for (let i = 0; i < 4; i++) smoke.circle(x + (22 + i * 9) * s, y - (122 + i * 20) * s, (6 + i * 4) * s);
    fill(stage, smoke, mix(stage.light.sky[3], colour('#ffffff'), 0.4), { 'fill-opacity': 0.35 });
  },
  tent(stage, { x, y, scale: s }, accent, ink) {
    fill(
      stage,
      new Path()
        .to(x - 62 * s, y)
        .line(x - 6 * s, y - 74 * s)
        .line(x + 66 * s, y)
        .close(),
      accent,
    );
    fill(
      stage,
      new Path()
        .to(x - 6 * s, y - 74 * s)
        .line(x + 66 * s, y)
        .line(x + 16 * s, y)
        .close(),
      mix(accent, ink, 0.35),
    );
    fill(
      stage,
      new Path()
        .to(x - 8 * s, y - 62 * s)
        .quad(x - 14 * s, y - 24 * s, x - 34 * s, y)
        .line(x + 4 * s, y)
        .close(),
      stage.light.local < 0.5 ? colour('#ffdc8c') : mix(ink, accent, 0.15),
    );
  },
  'lamp post'(stage, { x, y, scale: s }, _accent, ink) {
    const glow = radial(stage.drawing, [
      [0, colour('#ffe2a0'), 0.85],
      [0.3, colour('#ffd27a'), 0.3],
      [1, colour('#ffd27a'), 0],
    ]);
    stage.drawing.add('circle', { cx: x, cy: y - 150 * s, r: 92 * s, fill: glow });
    fill(
      stage,
      new Path()
        .box(x - 3 * s, y - 140 * s, 6 * s, 144 * s)
        .box(x - 12 * s, y - 4 * s, 24 * s, 8 * s)
        .to(x - 16 * s, y - 168 * s)
        .line(x + 16 * s, y - 168 * s)
        .line(x + 9 * s, y - 138 * s)
        .line(x - 9 * s, y - 138 * s)
        .close(),
      ink,
    );
    fill(stage, new Path().box(x - 8 * s, y - 163 * s, 16 * s, 20 * s), colour('#fff0c4'));
  },
  balloon(stage, { x, y, scale: s }, accent, ink) {
    const cream = mix(colour('#f7efdc'), stage.light.sky[2], 0.2);
    const envelope = (half: number): Path =>
      new Path()
        .to(x, y - 112 * s)
        .cubic(x + half * 1.3 * s, y - 112 * s, x + half * 1.15 * s, y - 40 * s, x + half * 0.26 * s, y)
        .line(x - half * 0.26 * s, y)
        .cubic(x - half * 1.15 * s, y - 40 * s, x - half * 1.3 * s, y - 112 * s, x, y - 112 * s)
        .close();
    fill(stage, envelope(56), accent);
    fill(stage, envelope(36), cream);
    fill(stage, envelope(15), accent);
    fill(
      stage,
      new Path()
        .to(x, y - 112 * s)
        .cubic(x + 73 * s, y - 112 * s, x + 64 * s, y - 40 * s, x + 15 * s, y)
        .line(x + 4 * s, y)
        .cubic(x + 44 * s, y - 40 * s, x + 50 * s, y - 100 * s, x, y - 112 * s)
        .close(),
      ink,
      { 'fill-opacity': 0.22 },
    );
    fill(
      stage,
      new Path()
        .box(x - 12 * s, y + 16 * s, 24 * s, 17 * s)
        .box(x - 11 * s, y, 1.6 * s, 17 * s)
        .box(x + 10 * s, y, 1.6 * s, 17 * s),
      mix(colour('#6b4a30'), ink, 0.4),
    );
  },
  kite(stage, { x, y, scale: s }, accent, ink) {
    fill(
      stage,
      new Path()
        .to(x, y - 56 * s)
        .line(x + 34 * s, y - 12 * s)
        .line(x, y + 46 * s)
        .line(x - 34 * s, y - 12 * s)
        .close(),
      accent,
    );
    fill(
      stage,
      new Path()
        .to(x, y - 56 * s)
        .line(x + 34 * s, y - 12 * s)
        .line(x, y + 46 * s)
        .close(),
      mix(accent, ink, 0.25),
    );
    stage.drawing.add('path', {
      d: new Path().to(x, y + 46 * s).cubic(x + 60 * s, y + 110 * s, x - 50 * s, y + 150 * s, x + 30 * s, y + 230 * s)
        .d,
      fill: 'none',
      stroke: css(ink),
      'stroke-width': 2,
    });
  },
  signpost(stage, { x, y, scale: s }, accent, ink) {
    fill(stage, new Path().box(x - 4 * s, y - 118 * s, 8 * s, 122 * s), ink);
    fill(
      stage,
      new Path()
        .to(x - 8 * s, y - 112 * s)
        .line(x + 52 * s, y - 112 * s)
        .line(x + 68 * s, y - 98 * s)
        .line(x + 52 * s, y - 84 * s)
        .line(x - 8 * s, y - 84 * s)
        .close(),
      mix(accent, ink, 0.15),
    );
    fill(
      stage,
      new Path()
        .to(x + 8 * s, y - 76 * s)
        .line(x - 46 * s, y - 76 * s)
        .line(x - 60 * s, y - 63 * s)
        .line(x - 46 * s, y - 50 * s)
        .line(x + 8 * s, y - 50 * s)
        .close(),
      mix(colour('#e8dcc4'), ink, 0.3),
    );
  },
  windmill(stage, { x, y, scale: s }, accent, ink) {
    const wall = mix(colour('#f0e6d2'), stage.light.near, 0.4 - stage.light.local * 0.3);
    fill(
      stage,
      new Path()
        .to(x - 34 * s, y + 4 * s)
        .line(x - 20 * s, y - 118 * s)
        .line(x + 20 * s, y - 118 * s)
        .line(x + 34 * s, y + 4 * s)
        .close(),
      wall,
    );
    fill(
      stage,
      new Path()
        .to(x + 6 * s, y + 4 * s)
        .line(x + 4 * s, y - 118 * s)
        .line(x + 20 * s, y - 118 * s)
        .line(x + 34 * s, y + 4 * s)
        .close(),
      ink,
      { 'fill-opacity': 0.22 },
    );
    fill(
      stage,
      new Path()
        .to(x - 24 * s, y - 116 * s)
        .quad(x, y - 160 * s, x + 24 * s, y - 116 * s)
        .close(),
      mix(accent, ink, 0.2),
    );
    const turned = Math.round(stage.draws.next() * 90);
    stage.drawing.within('g', { transform: `rotate(${turned} ${Math.round(x)} ${Math.round(y - 122 * s)})` }, () => {
      const sails = new Path();
      for (const [dx, dy] of [
        [0, -1],
        [1, 0],
        [0, 1],
        [-1, 0],
      ] as const) {
        const [px, py] = [-dy, dx];
        const at = (along: number, aside: number): [number, number] => [
          Math.round(x) + (dx * along + px * aside) * s,
          Math.round(y - 122 * s) + (dy * along + py * aside) * s,
        ];
        sails.polygon([at(4, -2), at(106, -2), at(106, 17), at(28, 17), at(28, 3), at(4, 2)]);
      }
      fill(stage, sails, mix(colour('#fbf6ea'), ink, 0.25), { 'fill-opacity': 0.95 });
    });
  },
} satisfies Record<string, ThingPainter>;
