import { fixed } from './numbers.ts';

export type Point = readonly [x: number, y: number];

/** Path data, written step by step. */
export class Path {
  d = '';

  to(x: number, y: number): this {
    this.d += `M${fixed(x)} ${fixed(y)}`;
    return this;
  }

  line(x: number, y: number): this {
    this.d += `L${fixed(x)} ${fixed(y)}`;
    return this;
  }

  /** A line of that length to the right. */
  right(length: number): this {
    this.d += `h${fixed(length)}`;
    return this;
  }

  quad(cx: number, cy: number, x: number, y: number): this {
    this.d += `Q${fixed(cx)} ${fixed(cy)} ${fixed(x)} ${fixed(y)}`;
    return this;
  }

  cubic(ax: number, ay: number, bx: number, by: number, x: number, y: number): this {
    this.d += `C${fixed(ax)} ${fixed(ay)} ${fixed(bx)} ${fixed(by)} ${fixed(x)} ${fixed(y)}`;
    return this;
  }

  arc(rx: number, ry: number, x: number, y: number, large = 0, sweep = 1): this {
    this.d += `A${fixed(rx)} ${fixed(ry)} 0 ${large} ${sweep} ${fixed(x)} ${fixed(y)}`;
    return this;
  }

  close(): this {
    this.d += 'Z';
    return this;
  }

  circle(x: number, y: number, r: number): this {
    const [radius, across] = [fixed(r), fixed(2 * r)];
    this.d += `M${fixed(x - r)} ${fixed(y)}a${radius} ${radius} 0 1 1 ${across} 0a${radius} ${radius} 0 1 1-${across} 0z`;
    return this;
  }

  box(x: number, y: number, width: number, height: number): this {
    this.d += `M${fixed(x)} ${fixed(y)}h${fixed(width)}v${fixed(height)}h${fixed(-width)}z`;
    return this;
  }

  straight(points: readonly Point[]): this {
    for (const [i, [x, y]] of points.entries()) {
      if (i === 0) this.to(x, y);
      else this.line(x, y);
    }
    return this;
  }

  polygon(points: readonly Point[]): this {
    return this.straight(points).close();
  }

  /** A smooth line through all points (Catmull-Rom as cubics); goes on from where the path is when `join`. */
  through(points: readonly Point[], join = false): this {
    const at = (i: number): Point => points[Math.min(points.length - 1, Math.max(0, i))] ?? [0, 0];
    const [x, y] = at(0);
    if (join) this.line(x, y);
    else this.to(x, y);
    for (let i = 0; i + 1 < points.length; i++) {
      const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
      this.cubic(
        b[0] + (c[0] - a[0]) / 6,
        b[1] + (c[1] - a[1]) / 6,
        c[0] - (d[0] - b[0]) / 6,
        c[1] - (d[1] - b[1]) / 6,
        c[0],
        c[1],
      );
    }
    return this;
  }

  /** A closed smooth shape. */
  blob(points: readonly Point[]): this {
    const count = points.length;
    const at = (i: number): Point => points[(i + count) % count] ?? [0, 0];
    this.to(...at(0));
    for (let i = 0; i < count; i++) {
      const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
      this.cubic(
        b[0] + (c[0] - a[0]) / 6,
        b[1] + (c[1] - a[1]) / 6,
        c[0] - (d[0] - b[0]) / 6,
        c[1] - (d[1] - b[1]) / 6,
        c[0],
        c[1],
      );
    }
    return this.close();
  }
}
