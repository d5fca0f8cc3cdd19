import type { Draws } from '#gallery/model';
import { between } from '../../drawing/numbers.ts';
import type { Point } from '../../drawing/path.ts';

/** Smooth noise along a line: values of −1..1, the same for the same draws. */
export function noise(draws: Draws, knots: number): (share: number) => number {
  const values = Array.from({ length: knots + 2 }, () => 2 * draws.next() - 1);
  return (share) => {
    const at = Math.min(0.9999, Math.max(0, share)) * knots;
    const i = Math.floor(at);
    const t = at - i;
    return between(values[i] ?? 0, values[i + 1] ?? 0, t * t * (3 - 2 * t));
  };
}

/** A line of hills from left to right around `y`, `height` up and down, rougher with more `octaves`. */
export function rolling(
  draws: Draws,
  width: number,
  y: number,
  height: number,
  { knots = 3, octaves = 2, points = 18 }: { knots?: number; octaves?: number; points?: number } = {},
): Point[] {
  const waves = Array.from({ length: octaves }, (_, i) => noise(draws, knots * 2 ** i));
  return Array.from({ length: points + 1 }, (_, i): Point => {
    const share = i / points;
    let sum = 0;
    for (const [octave, wave] of waves.entries()) sum += wave(share) * 0.5 ** octave;
    return [share * width, y - sum * height];
  });
}

/** A line of peaks: summits where chance puts them, and broken slopes between (midpoints moved ever less). */
export function jagged(draws: Draws, width: number, y: number, height: number, peaks: number): Point[] {
  let line: Point[] = [[-20, y + height * 0.1 * draws.next()]];
  for (let i = 0; i < peaks; i++) {
    const step = (width + 40) / peaks;
    const left = -20 + step * i;
    line.push([left + step * between(0.3, 0.65, draws.next()), y - height * between(0.45, 1, draws.next())]);
    line.push([left + step, y - height * between(-0.1, 0.25, draws.next())]);
  }
  for (let round = 0, give = height * 0.13; round < 3; round++, give *= 0.55) {
    const finer: Point[] = [];
    for (const [i, point] of line.entries()) {
      const next = line[i + 1];
      finer.push(point);
      if (!next) continue;
      const share = between(0.35, 0.65, draws.next());
      finer.push([
        between(point[0], next[0], share),
        between(point[1], next[1], share) + (draws.next() - 0.5) * 2 * give,
      ]);
    }
    line = finer;
  }
  return line;
}

/** Height of a line of points at `x`. */
export function heightAt(line: readonly Point[], x: number): number {
  let before = line[0] ?? [0, 0];
  for (const point of line) {
    if (point[0] >= x) {
      const wide = point[0] - before[0];
      return wide === 0 ? point[1] : between(before[1], point[1], (x - before[0]) / wide);
    }
    before = point;
  }
  return before[1];
}
