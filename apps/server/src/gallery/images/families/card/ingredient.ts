import { type Colour, css, lch, lighter, mix } from '../../drawing/colour.ts';
import { turn } from '../../drawing/numbers.ts';
import { Path, type Point } from '../../drawing/path.ts';
import type { Drawing } from '../../drawing/svg.ts';
import { type Form } from './larder.ts';

export const put = ({ drawing }: { drawing: Drawing }, path: Path, of: Colour | string, opacity = 1): void =>
  drawing.add('path', {
    d: path.d,
    fill: typeof of === 'string' ? of : css(of),
    ...(opacity < 1 ? { 'fill-opacity': opacity } : undefined),
  });

/** One piece of an ingredient, lying at (x, y), `s` across, turned by `angle`. */
export function piece(
  at: { drawing: Drawing },
  form: Form,
  of: Colour,
  x: number,
  y: number,
  s: number,
  angle: number,
): void {
  const point = (along: number, aside: number): Point => [
    x + (Math.cos(angle) * along - Math.sin(angle) * aside) * s,
    y + (Math.sin(angle) * along + Math.cos(angle) * aside) * s,
  ];
  const dark = lighter(of, -0.14);
  const light = lighter(of, 0.1);
  if (form === 'leaf') {
    put(
      at,
      new Path()
        .to(...point(-0.5, 0))
        .quad(...point(-0.05, -0.42), ...point(0.55, 0))
        .quad(...point(-0.05, 0.42), ...point(-0.5, 0))
        .close(),
      of,
    );
    at.drawing.add('path', {
      d: new Path().to(...point(-0.6, 0)).line(...point(0.38, 0)).d,
      fill: 'none',
      stroke: css(dark),
      'stroke-width': s * 0.06,
      'stroke-linecap': 'round',
    });
  } else if (form === 'round') {
    put(at, new Path().circle(x, y, s * 0.36), of);
    put(at, new Path().circle(x - s * 0.1, y - s * 0.12, s * 0.1), mix(light, lch(1, 0, 0), 0.5), 0.8);
  } else if (form === 'slice') {
    put(at, new Path().circle(x, y, s * 0.46), dark);
    put(at, new Path().circle(x, y, s * 0.4), mix(light, lch(0.97, 0.03, 90), 0.55));
    const cuts = new Path();
    for (let i = 0; i < 6; i++) {
      const a = angle + (i * turn) / 6;
      cuts
        .to(x, y)
        .line(x + Math.cos(a + 0.12) * s * 0.34, y + Math.sin(a + 0.12) * s * 0.34)
        .line(x + Math.cos(a + 0.9) * s * 0.34, y + Math.sin(a + 0.9) * s * 0.34)
        .close();
    }
    put(at, cuts, of, 0.9);
  } else if (form === 'stick') {
    for (const [aside, ink] of [
      [-0.12, of],
      [0.08, dark],
    ] as const)
      at.drawing.add('path', {
        d: new Path().to(...point(-0.5, aside)).quad(...point(0, aside + 0.12), ...point(0.5, aside)).d,
        fill: 'none',
        stroke: css(ink),
        'stroke-width': s * 0.13,
        'stroke-linecap': 'round',
      });
  } else if (form === 'drop') {
    put(
      at,
      new Path()
        .to(...point(0, -0.5))
        .cubic(...point(0.3, -0.05), ...point(0.42, 0.1), ...point(0.3, 0.3))
        .cubic(...point(0.16, 0.48), ...point(-0.16, 0.48), ...point(-0.3, 0.3))
        .cubic(...point(-0.42, 0.1), ...point(-0.3, -0.05), ...point(0, -0.5))
        .close(),
      of,
    );
    put(at, new Path().circle(...point(-0.1, 0.18), s * 0.08), mix(light, lch(1, 0, 0), 0.6), 0.9);
  } else if (form === 'grain') {
    // Points with round ends: a quarter of the bytes of circles.
    const path = new Path();
    for (let i = 0; i < 7; i++) {
      const a = angle + i * 2.4;
      const far = 0.1 + i * 0.055;
      const [px, py] = [Math.round(x + Math.cos(a) * s * far), Math.round(y + Math.sin(a) * s * far)];
      path.to(px, py).right(0.1);
    }
    at.drawing.add('path', {
      d: path.d,
      fill: 'none',
      stroke: css(of),
      'stroke-width': s * 0.15,
      'stroke-linecap': 'round',
    });
  } else if (form === 'root') {
    put(
      at,
      new Path().blob([
        point(-0.42, 0),
        point(-0.2, -0.3),
        point(0.2, -0.26),
        point(0.44, 0.04),
        point(0.16, 0.32),
        point(-0.24, 0.28),
      ]),
      of,
    );
    put(
      at,
      new Path().blob([point(-0.24, -0.06), point(-0.06, -0.2), point(0.14, -0.14), point(-0.02, 0)]),
      light,
      0.8,
    );
  } else if (form === 'star') {
    const path = new Path();
    for (let i = 0; i < 8; i++) {
      const a = angle + (i * turn) / 8;
      path
        .to(x, y)
        .quad(
          x + Math.cos(a - 0.4) * s * 0.3,
          y + Math.sin(a - 0.4) * s * 0.3,
          x + Math.cos(a) * s * 0.48,
          y + Math.sin(a) * s * 0.48,
        )
        .quad(x + Math.cos(a + 0.4) * s * 0.3, y + Math.sin(a + 0.4) * s * 0.3, x, y)
        .close();
    }
    put(at, path, of);
    put(at, new Path().circle(x, y, s * 0.1), dark);
  } else if (form === 'cube') {
    put(at, new Path().polygon([point(-0.34, -0.3), point(0.34, -0.3), point(0.34, 0.36), point(-0.34, 0.36)]), dark);
    put(at, new Path().polygon([point(-0.34, -0.36), point(0.34, -0.36), point(0.34, 0.24), point(-0.34, 0.24)]), of);
  } else if (form === 'egg') {
    put(
      at,
      new Path().blob([
        point(-0.52, 0.02),
        point(-0.3, -0.42),
        point(0.2, -0.46),
        point(0.54, -0.06),
        point(0.34, 0.4),
        point(-0.22, 0.46),
      ]),
      lch(0.98, 0.01, 90),
    );
    put(at, new Path().circle(...point(0.02, 0), s * 0.22), lch(0.82, 0.16, 78));
    put(at, new Path().circle(...point(-0.05, -0.07), s * 0.06), lch(0.96, 0.06, 90), 0.9);
  } else {
    at.drawing.add('path', {
      d: new Path().through([point(-0.46, 0.2), point(-0.2, -0.24), point(0.1, 0.2), point(0.44, -0.16)]).d,
      fill: 'none',
      stroke: css(of),
      'stroke-width': s * 0.14,
      'stroke-linecap': 'round',
    });
  }
}
