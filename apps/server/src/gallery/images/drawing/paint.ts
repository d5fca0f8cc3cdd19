import { type Colour, css } from './colour.ts';
import type { Drawing } from './svg.ts';

type Stop = readonly [at: number, colour: Colour, opacity?: number];

const stops = (drawing: Drawing, of: readonly Stop[]): void => {
  for (const [offset, colour, opacity = 1] of of)
    drawing.add('stop', {
      offset,
      'stop-color': css(colour),
      ...(opacity < 1 ? { 'stop-opacity': opacity } : undefined),
    });
};

/** A gradient from one point of the shape's box to another (0..1 each); returns what to fill with. */
export function linear(
  drawing: Drawing,
  of: readonly Stop[],
  [x1, y1, x2, y2]: readonly [number, number, number, number] = [0, 0, 0, 1],
): string {
  const id = drawing.id();
  drawing.within('linearGradient', { id, x1, y1, x2, y2 }, () => stops(drawing, of));
  return `url(#${id})`;
}

/** The same in the drawing's own units, for things that share one light. */
export function linearAcross(
  drawing: Drawing,
  of: readonly Stop[],
  [x1, y1, x2, y2]: readonly [number, number, number, number],
): string {
  const id = drawing.id();
  drawing.within('linearGradient', { id, gradientUnits: 'userSpaceOnUse', x1, y1, x2, y2 }, () => stops(drawing, of));
  return `url(#${id})`;
}

/** A gradient around a point of the shape's box. */
export function radial(drawing: Drawing, of: readonly Stop[], cx = 0.5, cy = 0.5, r = 0.5): string {
  const id = drawing.id();
  drawing.within('radialGradient', { id, cx, cy, r }, () => stops(drawing, of));
  return `url(#${id})`;
}
