import { type Colour, css, lch, lighter, mix } from '../../drawing/colour.ts';
import { linear, radial } from '../../drawing/paint.ts';
import { Path, type Point } from '../../drawing/path.ts';
import type { Drawing } from '../../drawing/svg.ts';

/** Solids seen from a little above, lit from the upper left. All gradients are shared by colour. */
export class Bench {
  readonly drawing: Drawing;
  readonly #round = new Map<string, string>();

  constructor(drawing: Drawing) {
    this.drawing = drawing;
  }

  /** Light, body and shade across a round thing. */
  across(of: Colour): string {
    return this.#once(`a${css(of)}`, () =>
      linear(
        this.drawing,
        [
          [0, lighter(of, -0.1)],
          [0.22, lighter(mix(of, lch(0.98, 0.02, 90), 0.2), 0.05)],
          [0.42, of],
          [0.82, mix(lighter(of, -0.15), lch(0.25, 0.06, 280), 0.15)],
          [1, lighter(of, -0.12)],
        ],
        [0, 0, 1, 0],
      ),
    );
  }

  down(of: Colour): string {
    return this.#once(`d${css(of)}`, () =>
      linear(this.drawing, [
        [0, lighter(of, 0.06)],
        [1, lighter(of, -0.12)],
      ]),
    );
  }

  ball(of: Colour): string {
    return this.#once(`b${css(of)}`, () =>
      radial(
        this.drawing,
        [
          [0, lighter(mix(of, lch(0.99, 0.02, 90), 0.3), 0.06)],
          [0.45, of],
          [1, mix(lighter(of, -0.2), lch(0.25, 0.06, 280), 0.2)],
        ],
        0.36,
        0.32,
        0.72,
      ),
    );
  }

  /** A standing cylinder or a cut cone: (x, y) is the middle of its base. */
  drum(x: number, y: number, bottom: number, top: number, height: number, of: Colour, open = false): void {
    const [by, ty] = [bottom * 0.2, top * 0.2];
    const side = new Path()
      .to(x - top, y - height)
      .line(x - bottom, y)
      .arc(bottom, by, x + bottom, y, 0, 0)
      .line(x + top, y - height)
      .close();
    this.drawing.add('path', { d: side.d, fill: this.across(of) });
    this.drawing.add('ellipse', { cx: x, cy: y - height, rx: top, ry: ty, fill: css(lighter(of, open ? -0.2 : 0.08)) });
    if (!open) return;
    this.drawing.add('ellipse', {
      cx: x,
      cy: y - height + ty * 0.22,
      rx: top * 0.9,
      ry: ty * 0.78,
      fill: css(mix(lighter(of, -0.3), lch(0.22, 0.04, 280), 0.4)),
    });
  }

  /** A body turned on a lathe: half widths at heights, from the base up. */
  turned(x: number, y: number, outline: readonly (readonly [half: number, up: number])[], of: Colour): void {
    const right = outline.map(([half, up]): Point => [x + half, y - up]);
    const left = outline.map(([half, up]): Point => [x - half, y - up]).toReversed();
    const [base] = outline;
    const path = new Path().through(right).through(left, true);
    const half = base?.[0] ?? 0;
    path.arc(half, half * 0.2, x + half, y, 0, 0);
    this.drawing.add('path', { d: path.close().d, fill: this.across(of) });
  }

  /** A box from its front: (x, y) is the lower left corner, `deep` goes back and up to the right. */
  box(x: number, y: number, width: number, height: number, deep: number, of: Colour, radius = 0): void {
    const [dx, dy] = [deep, deep * 0.55];
    this.drawing.add('path', {
      d: new Path().polygon([
        [x + width, y - height],
        [x + width + dx, y - height - dy],
        [x + width + dx, y - dy],
        [x + width, y],
      ]).d,
      fill: css(mix(lighter(of, -0.18), lch(0.25, 0.06, 280), 0.15)),
    });
    this.drawing.add('path', {
      d: new Path().polygon([
        [x, y - height],
        [x + dx, y - height - dy],
        [x + width + dx, y - height - dy],
        [x + width, y - height],
      ]).d,
      fill: css(lighter(of, 0.09)),
    });
    this.drawing.add('rect', {
      x,
      y: y - height,
      width,
      height,
      ...(radius > 0 ? { rx: radius } : undefined),
      fill: this.down(of),
    });
  }

  sphere(x: number, y: number, r: number, of: Colour): void {
    this.drawing.add('circle', { cx: x, cy: y, r, fill: this.ball(of) });
  }

  tube(path: Path, width: number, of: Colour): void {
    const common = { d: path.d, fill: 'none', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' } as const;
    this.drawing.add('path', { ...common, stroke: css(lighter(of, -0.12)), 'stroke-width': width });
    this.drawing.add('path', {
      ...common,
      stroke: css(lighter(of, 0.05)),
      'stroke-width': width * 0.45,
      transform: `translate(${-Math.round(width * 0.12)} ${-Math.round(width * 0.12)})`,
    });
  }

  flat(path: Path, of: Colour, opacity = 1): void {
    this.drawing.add('path', { d: path.d, fill: css(of), ...(opacity < 1 ? { 'fill-opacity': opacity } : undefined) });
  }

  #once(key: string, make: () => string): string {
    const found = this.#round.get(key) ?? make();
    this.#round.set(key, found);
    return found;
  }
}
