import type { Draws } from '#gallery/model';
import { type Colour, colour, css, lch, lighter, mix } from '../../drawing/colour.ts';
import { between, turn } from '../../drawing/numbers.ts';
import { linear, radial } from '../../drawing/paint.ts';
import { Path, type Point } from '../../drawing/path.ts';
import type { Drawing } from '../../drawing/svg.ts';
import { piece, put } from './ingredient.ts';
import { type Dish, type Ingredient, recipes } from './larder.ts';

type Where = { drawing: Drawing; draws: Draws; x: number; y: number; r: number };

/** The dish from above, with what is in it strewn over it, and the steam that rises from it. */
export function paintDish(
  at: Where,
  dish: Dish,
  ingredients: readonly Ingredient[],
  glaze: Colour,
  table: Colour,
): void {
  const { drawing, draws, x, y, r } = at;
  const { vessel, fills, steam } = recipes[dish];
  const filling = colour(draws.pick(fills));
  const shade = lch(0.15, 0.03, table.h);
  if (vessel === 'board')
    drawing.add('rect', {
      x: x - r * 1.05 + 12,
      y: y - r * 0.78 + 18,
      width: r * 2.1,
      height: r * 1.56,
      rx: 34,
      fill: css(shade),
      'fill-opacity': 0.3,
    });
  else
    drawing.add('ellipse', {
      cx: x + 16,
      cy: y + 24,
      rx: r * 1.1,
      ry: r * 1.08,
      fill: radial(drawing, [
        [0.75, shade, 0.4],
        [1, shade, 0],
      ]),
    });
  const inner = vessel === 'plate' ? r * 0.66 : vessel === 'cup' ? r * 0.6 : r * 0.8;
  if (vessel === 'board') {
    drawing.add('rect', {
      x: x - r * 1.05,
      y: y - r * 0.78,
      width: r * 2.1,
      height: r * 1.56,
      rx: 34,
      fill: linear(drawing, [
        [0, colour('#b98652')],
        [1, colour('#94633a')],
      ]),
    });
    drawing.add('circle', { cx: x + r * 0.88, cy: y - r * 0.58, r: 15, fill: css(table) });
    for (const [dx, tilt] of [
      [-0.45, -8],
      [0.42, 10],
    ] as const)
      slice(at, x + r * dx, y - 4, r * 0.92, tilt, filling);
  } else {
    if (vessel === 'pan')
      drawing.add('rect', {
        x: x + r * 0.9,
        y: y - 25,
        width: r * 0.95,
        height: 50,
        rx: 24,
        fill: css(lch(0.3, 0.02, 60)),
        transform: `rotate(-38 ${Math.round(x)} ${Math.round(y)})`,
      });
    if (vessel === 'cup') {
      drawing.add('circle', { cx: x, cy: y, r, fill: css(lighter(glaze, 0.05)) });
      drawing.add('circle', { cx: x, cy: y, r: r * 0.82, fill: css(lighter(glaze, -0.05)) });
      drawing.add('path', {
        d: new Path()
          .to(x + inner * 0.9, y - 30)
          .cubic(x + inner * 1.7, y - 70, x + inner * 1.7, y + 60, x + inner * 0.9, y + 34).d,
        fill: 'none',
        stroke: css(glaze),
        'stroke-width': 26,
      });
    }
    const rim = vessel === 'pan' ? lch(0.34, 0.02, 60) : glaze;
    const wide = vessel === 'cup' ? inner * 1.12 : r;
    drawing.add('circle', {
      cx: x,
      cy: y,
      r: wide,
      fill: linear(
        drawing,
        [
          [0, lighter(rim, 0.07)],
          [1, lighter(rim, -0.09)],
        ],
        [0, 0, 1, 1],
      ),
    });
    if (vessel === 'plate' || vessel === 'bowl')
      drawing.add('circle', {
        cx: x,
        cy: y,
        r: r * 0.94,
        fill: 'none',
        stroke: css(mix(glaze, lch(0.4, 0.12, glaze.h + 160), 0.45)),
        'stroke-width': 6,
        ...(draws.chance(0.5) ? { 'stroke-dasharray': '3 13', 'stroke-linecap': 'round' } : undefined),
      });
    drawing.add('circle', { cx: x, cy: y, r: inner + 7, fill: css(lighter(rim, -0.14)) });
    if (dish === 'dumplings' || dish === 'pancakes' || dish === 'pie' || dish === 'cake') {
      drawing.add('circle', { cx: x, cy: y, r: inner + 5, fill: css(lighter(rim, 0.03)) });
      laid(at, dish, inner, filling);
    } else {
      drawing.add('circle', {
        cx: x,
        cy: y,
        r: inner,
        fill: radial(
          drawing,
          [
            [0, lighter(filling, 0.05)],
            [0.8, filling],
            [1, lighter(filling, -0.1)],
          ],
          0.42,
          0.4,
          0.62,
        ),
      });
      texture(at, dish, inner, filling);
    }
  }
  strew(at, ingredients, inner * (vessel === 'board' ? 0.86 : 0.84), dish === 'dumplings' ? 2 : 4);
  if (steam) vapour(at);
}

function slice(at: Where, x: number, y: number, s: number, tilt: number, of: Colour): void {
  at.drawing.within('g', { transform: `rotate(${tilt} ${Math.round(x)} ${Math.round(y)})` }, () => {
    const loaf = (k: number): Path =>
      new Path()
        .to(x - s * 0.42 * k, y + s * 0.6 * k)
        .line(x - s * 0.42 * k, y - s * 0.3 * k)
        .cubic(
          x - s * 0.62 * k,
          y - s * 0.72 * k,
          x + s * 0.62 * k,
          y - s * 0.72 * k,
          x + s * 0.42 * k,
          y - s * 0.3 * k,
        )
        .line(x + s * 0.42 * k, y + s * 0.6 * k)
        .close();
    put(at, loaf(1), lighter(of, -0.2));
    put(at, loaf(0.88), mix(of, lch(0.95, 0.05, 85), 0.5));
    put(at, loaf(0.66), lch(0.87, 0.11, 88), 0.75);
  });
}

function laid(at: Where, dish: Dish, inner: number, of: Colour): void {
  const { drawing, x, y, draws } = at;
  if (dish === 'dumplings') {
    for (let i = 0; i < 7; i++) {
      const a = (i * turn) / 6 + 0.3;
      const [dx, dy] = i === 6 ? [x, y] : [x + Math.cos(a) * inner * 0.62, y + Math.sin(a) * inner * 0.62];
      const s = inner * 0.27;
      put(at, new Path().circle(dx + 4, dy + 7, s), lighter(of, -0.25), 0.6);
      put(at, new Path().circle(dx, dy, s), of);
      const folds = new Path();
      for (let k = 0; k < 9; k++)
        folds
          .to(dx, dy)
          .line(dx + Math.cos((k * turn) / 9 + a) * s * 0.72, dy + Math.sin((k * turn) / 9 + a) * s * 0.72);
      drawing.add('path', {
        d: folds.d,
        fill: 'none',
        stroke: css(lighter(of, -0.13)),
        'stroke-width': 4,
        'stroke-linecap': 'round',
      });
      put(at, new Path().circle(dx, dy, s * 0.16), lighter(of, -0.1));
    }
    return;
  }
  const r = inner * 0.94;
  if (dish === 'pancakes') {
    for (let i = 0; i < 4; i++) {
      put(at, new Path().circle(x + (i % 2) * 7 - 3, y + 18 - i * 9, r), lighter(of, -0.16));
      put(
        at,
        new Path().circle(x + (i % 2) * 7 - 3, y + 12 - i * 9, r),
        i === 3 ? of : mix(of, lch(0.95, 0.06, 88), 0.5),
      );
    }
    put(
      at,
      new Path().blob([
        [x - r * 0.5, y - 30],
        [x, y - r * 0.66],
        [x + r * 0.56, y - 26],
        [x + r * 0.4, y + r * 0.5],
        [x + r * 0.1, y + r * 0.3],
        [x - r * 0.4, y + r * 0.52],
      ]),
      lighter(mix(of, colour('#a8602a'), 0.5), -0.02),
      0.8,
    );
    return;
  }
  put(at, new Path().circle(x, y, r), lighter(of, -0.14));
  put(
    at,
    new Path().circle(x, y, r * 0.9),
    dish === 'pie' ? mix(of, colour(draws.pick(['#a83f3f', '#6a3f6f', '#c98a3f'])), 0.7) : of,
  );
  if (dish === 'pie') {
    const bars = new Path();
    for (let i = -3; i <= 3; i++) {
      const half = Math.sqrt(Math.max(0, (r * 0.9) ** 2 - (i * r * 0.26) ** 2));
      bars
        .to(x + i * r * 0.26, y - half)
        .line(x + i * r * 0.26, y + half)
        .to(x - half, y + i * r * 0.26)
        .line(x + half, y + i * r * 0.26);
    }
    for (const [wide, ink] of [
      [r * 0.15, lighter(of, -0.14)],
      [r * 0.12, lighter(of, 0.04)],
    ] as const)
      drawing.add('path', { d: bars.d, fill: 'none', stroke: css(ink), 'stroke-width': wide });
    const crimps = new Path();
    for (let i = 0; i < 30; i++)
      crimps.circle(x + Math.cos((i * turn) / 30) * r * 0.95, y + Math.sin((i * turn) / 30) * r * 0.95, r * 0.075);
    put(at, crimps, lighter(of, 0.02));
    return;
  }
  put(at, new Path().circle(x, y, r * 0.78), lch(0.95, 0.03, 85), 0.85);
  put(
    at,
    new Path().polygon([
      [x, y],
      [x + r, y - r * 0.42],
      [x + r, y + r * 0.3],
    ]),
    lighter(of, -0.28),
    0.85,
  );
  const dots = new Path();
  for (let i = 0; i < 14; i++)
    dots.circle(
      x + Math.cos((i * turn) / 14 + 0.2) * r * 0.68,
      y + Math.sin((i * turn) / 14 + 0.2) * r * 0.68,
      r * 0.07,
    );
  put(at, dots, mix(of, lch(0.98, 0.02, 85), 0.7));
}

function texture(at: Where, dish: Dish, inner: number, of: Colour): void {
  const { drawing, draws, x, y } = at;
  if (dish === 'noodles') {
    for (let i = 0; i < 12; i++) {
      const a = draws.next() * turn;
      const [mx, my] = [x + Math.cos(a) * inner * 0.2, y + Math.sin(a) * inner * 0.2];
      const r = inner * between(0.3, 0.62, draws.next());
      drawing.add('path', {
        d: new Path().to(mx - r, my).arc(r, r * 0.8, mx + r * 0.6, my + r * 0.5, 0, 1).d,
        fill: 'none',
        stroke: css(mix(lch(0.9, 0.08, 85), of, 0.12 * (i % 3))),
        'stroke-width': inner * 0.055,
        'stroke-linecap': 'round',
        transform: `rotate(${draws.whole(0, 359)} ${Math.round(x)} ${Math.round(y)})`,
      });
    }
    return;
  }
  if (dish === 'rice' || dish === 'salad') {
    for (let i = 0; i < (dish === 'rice' ? 26 : 22); i++) {
      const a = draws.next() * turn;
      const far = Math.sqrt(draws.next()) * inner * 0.82;
      piece(
        at,
        dish === 'rice' ? 'grain' : 'leaf',
        lighter(of, (draws.next() - 0.4) * 0.16),
        x + Math.cos(a) * far,
        y + Math.sin(a) * far,
        inner * (dish === 'rice' ? 0.3 : 0.44),
        draws.next() * turn,
      );
    }
    return;
  }
  const swirl = new Path();
  const points = Array.from(
    { length: 16 },
    (_, i): Point => [
      x + Math.cos(i * 0.62) * inner * (0.72 - i * 0.042),
      y + Math.sin(i * 0.62) * inner * (0.72 - i * 0.042),
    ],
  );
  drawing.add('path', {
    d: swirl.through(points).d,
    fill: 'none',
    stroke: css(lighter(of, 0.11)),
    'stroke-width': inner * 0.045,
    'stroke-opacity': 0.7,
    'stroke-linecap': 'round',
  });
}

/** Each ingredient a few times, spread like seeds of a sunflower so that none hides another. */
function strew(at: Where, ingredients: readonly Ingredient[], reach: number, each: number): void {
  const { draws, x, y } = at;
  const all = draws.shuffled(
    ingredients.flatMap((one) => Array.from({ length: one.form === 'egg' ? 1 : each }, () => one)),
  );
  const start = draws.next() * turn;
  for (const [i, { form, hex }] of all.entries()) {
    const far = reach * Math.sqrt((i + 0.4) / all.length);
    const a = start + i * 2.39996;
    piece(
      at,
      form,
      colour(hex),
      x + Math.cos(a) * far,
      y + Math.sin(a) * far,
      reach * (form === 'egg' ? 0.62 : form === 'slice' ? 0.36 : 0.28),
      draws.next() * turn,
    );
  }
}

function vapour({ drawing, draws, x, y, r }: Where): void {
  for (const [dx, wide] of [
    [-0.4, 15],
    [0, 20],
    [0.38, 15],
  ] as const) {
    const phase = draws.next() * 3;
    const line = Array.from(
      { length: 7 },
      (_, i): Point => [x + dx * r + Math.sin(i * 1.15 + phase) * r * 0.13, y - r * 0.1 - i * r * 0.17],
    );
    drawing.add('path', {
      d: new Path().through(line).d,
      fill: 'none',
      stroke: css(lch(0.99, 0.005, 90)),
      'stroke-width': wide,
      'stroke-opacity': 0.42,
      'stroke-linecap': 'round',
    });
  }
}
