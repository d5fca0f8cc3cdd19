import { colour, css, lighter, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { Path } from '../../drawing/path.ts';
import type { ThingPainter } from './stage.ts';
import { fill } from './stage.ts';

/** What lives there, and the bench that waits; all in one ink. */
export const grownThings = {
  tree(stage, { x, y, scale: s }, _accent, ink) {
    const { draws, drawing, season, light } = stage;
    const leaf = mix(
      colour({ spring: '#e8a0b4', summer: '#4f8f4a', autumn: '#d9762e', winter: '#cfd8de' }[season]),
      light.near,
      0.5 - light.local * 0.45,
    );
    drawing.add('path', {
      d: new Path()
        .to(x, y + 4 * s)
        .quad(x - 4 * s, y - 60 * s, x + 4 * s, y - 118 * s)
        .to(x, y - 62 * s)
        .quad(x + 18 * s, y - 88 * s, x + 38 * s, y - 108 * s)
        .to(x - 1 * s, y - 76 * s)
        .quad(x - 18 * s, y - 100 * s, x - 34 * s, y - 116 * s).d,
      fill: 'none',
      stroke: css(mix(ink, colour('#5a4030'), 0.3)),
      'stroke-width': 9 * s,
      'stroke-linecap': 'round',
    });
    const crown = new Path();
    const light2 = new Path();
    for (let i = 0; i < 11; i++) {
      const angle = draws.next() * 6.28;
      const far = draws.next() ** 0.6;
      const [cx, cy, r] = [
        x + Math.cos(angle) * far * 62 * s,
        y - 138 * s + Math.sin(angle) * far * 42 * s,
        between(20, 36, draws.next()) * s,
      ];
      crown.circle(cx, cy, r);
      if (cy < y - 130 * s) light2.circle(cx + (stage.sun.x < x ? -r : r) * 0.2, cy - r * 0.2, r * 0.62);
    }
    fill(stage, crown, leaf);
    if (light2.d !== '') fill(stage, light2, mix(lighter(leaf, 0.07), light.sun, 0.12), { 'fill-opacity': 0.75 });
  },
  cactus(stage, { x, y, scale: s }, _accent, ink) {
    const green = mix(colour('#4f7a52'), ink, 0.6 - stage.light.local * 0.5);
    stage.drawing.add('path', {
      d: new Path()
        .to(x, y + 2 * s)
        .line(x, y - 112 * s)
        .to(x, y - 44 * s)
        .line(x + 26 * s, y - 44 * s)
        .quad(x + 34 * s, y - 44 * s, x + 34 * s, y - 54 * s)
        .line(x + 34 * s, y - 84 * s)
        .to(x, y - 32 * s)
        .line(x - 20 * s, y - 32 * s)
        .quad(x - 30 * s, y - 32 * s, x - 30 * s, y - 44 * s)
        .line(x - 30 * s, y - 66 * s).d,
      fill: 'none',
      stroke: css(green),
      'stroke-width': 19 * s,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    });
    stage.drawing.add('path', {
      d: new Path().to(x - 4 * s, y - 8 * s).line(x - 4 * s, y - 110 * s).d,
      fill: 'none',
      stroke: css(mix(green, stage.light.sun, 0.4)),
      'stroke-width': 3 * s,
      'stroke-opacity': 0.5,
      'stroke-linecap': 'round',
    });
    fill(
      stage,
      new Path()
        .to(x, y + 4 * s)
        .line(x + (stage.sun.x < x ? 150 : -150) * s, y + 16 * s)
        .line(x + (stage.sun.x < x ? 150 : -150) * s, y + 24 * s)
        .close(),
      ink,
      { 'fill-opacity': 0.25 },
    );
  },
  bench(stage, { x, y, scale: s }, _accent, ink) {
    fill(
      stage,
      new Path()
        .box(x - 54 * s, y - 30 * s, 108 * s, 7 * s)
        .box(x - 54 * s, y - 62 * s, 108 * s, 7 * s)
        .box(x - 54 * s, y - 48 * s, 108 * s, 7 * s)
        .box(x - 46 * s, y - 62 * s, 6 * s, 66 * s)
        .box(x + 40 * s, y - 62 * s, 6 * s, 66 * s),
      ink,
    );
  },
  gull(stage, { x, y, scale: s }, _accent, ink) {
    const path = new Path();
    const { draws } = stage;
    for (let i = 0; i < 5; i++) {
      const [gx, gy, r] = [
        x + (i - 2) * 46 * s + draws.next() * 20,
        y + Math.abs(i - 2) * 16 * s + draws.next() * 16,
        between(11, 19, draws.next()) * s,
      ];
      path
        .to(gx - r, gy - r * 0.5)
        .quad(gx - r * 0.3, gy - r * 0.8, gx, gy)
        .quad(gx + r * 0.3, gy - r * 0.8, gx + r, gy - r * 0.5)
        .quad(gx + r * 0.35, gy - r * 0.4, gx, gy + r * 0.28)
        .quad(gx - r * 0.35, gy - r * 0.4, gx - r, gy - r * 0.5)
        .close();
    }
    fill(stage, path, ink);
  },
  heron(stage, { x, y, scale: s }, _accent, ink) {
    stage.drawing.add('path', {
      d: new Path()
        .to(x - 6 * s, y + 4 * s)
        .line(x - 4 * s, y - 54 * s)
        .to(x + 8 * s, y + 4 * s)
        .line(x + 4 * s, y - 54 * s).d,
      fill: 'none',
      stroke: css(ink),
      'stroke-width': 3 * s,
    });
    fill(
      stage,
      new Path()
        .to(x - 44 * s, y - 44 * s)
        .quad(x - 10 * s, y - 92 * s, x + 18 * s, y - 78 * s)
        .quad(x + 36 * s, y - 104 * s, x + 20 * s, y - 128 * s)
        .quad(x + 22 * s, y - 142 * s, x + 36 * s, y - 140 * s)
        .line(x + 70 * s, y - 130 * s)
        .line(x + 38 * s, y - 130 * s)
        .quad(x + 52 * s, y - 100 * s, x + 28 * s, y - 68 * s)
        .quad(x + 6 * s, y - 44 * s, x - 44 * s, y - 44 * s)
        .close(),
      ink,
    );
  },
  deer(stage, { x, y, scale: s }, _accent, ink) {
    stage.drawing.add('path', {
      d: new Path()
        .to(x - 24 * s, y + 3 * s)
        .line(x - 20 * s, y - 36 * s)
        .to(x - 12 * s, y + 3 * s)
        .line(x - 14 * s, y - 36 * s)
        .to(x + 16 * s, y + 3 * s)
        .line(x + 14 * s, y - 36 * s)
        .to(x + 24 * s, y + 3 * s)
        .line(x + 20 * s, y - 36 * s)
        .to(x + 38 * s, y - 82 * s)
        .line(x + 36 * s, y - 108 * s)
        .to(x + 36 * s, y - 96 * s)
        .line(x + 24 * s, y - 108 * s)
        .to(x + 42 * s, y - 82 * s)
        .line(x + 52 * s, y - 106 * s)
        .to(x + 47 * s, y - 94 * s)
        .line(x + 60 * s, y - 100 * s).d,
      fill: 'none',
      stroke: css(ink),
      'stroke-width': 4 * s,
      'stroke-linecap': 'round',
    });
    fill(
      stage,
      new Path()
        .to(x - 34 * s, y - 52 * s)
        .quad(x - 8 * s, y - 60 * s, x + 12 * s, y - 56 * s)
        .line(x + 30 * s, y - 84 * s)
        .line(x + 46 * s, y - 86 * s)
        .line(x + 60 * s, y - 72 * s)
        .line(x + 42 * s, y - 68 * s)
        .quad(x + 34 * s, y - 40 * s, x + 20 * s, y - 32 * s)
        .line(x - 28 * s, y - 32 * s)
        .quad(x - 38 * s, y - 42 * s, x - 34 * s, y - 52 * s)
        .close(),
      ink,
    );
  },
} satisfies Record<string, ThingPainter>;
