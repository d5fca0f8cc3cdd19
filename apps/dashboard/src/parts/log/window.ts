/*
 * Where in a log the reader is. Browsers clamp elements near 17 million pixels, so the scrolled space is at most
 * `spacePxMax` high and stands for the whole log: `top` is the place in the log in pixels (rows × height, exact), `scroll`
 * the place of the scroll bar. Both ends meet exactly; between them the bar is proportional. Small moves are taken one
 * to one, so that a wheel or a finger moves lines and not pages, however long the log is.
 */

export const spacePxMax = 4_000_000;

export type Geometry = { rows: number; rowPx: number; viewPx: number };

const topMax = ({ rows, rowPx, viewPx }: Geometry): number => Math.max(0, rows * rowPx - viewPx);

/** Height of the scrolled space. */
export const spaceOf = (geometry: Geometry): number =>
  Math.min(geometry.rows * geometry.rowPx, Math.max(spacePxMax, geometry.viewPx * 2));

const scrollMax = (geometry: Geometry): number => Math.max(0, spaceOf(geometry) - geometry.viewPx);

export const clampTop = (top: number, geometry: Geometry): number => Math.min(Math.max(0, top), topMax(geometry));

/** Where the scroll bar stands for a place in the log. */
export function scrollOfTop(top: number, geometry: Geometry): number {
  const most = topMax(geometry);
  return most === 0 ? 0 : (clampTop(top, geometry) / most) * scrollMax(geometry);
}

/** The place in the log the scroll bar was moved to. */
export function topOfScroll(scroll: number, geometry: Geometry): number {
  const most = scrollMax(geometry);
  return most === 0 ? 0 : (Math.min(Math.max(0, scroll), most) / most) * topMax(geometry);
}

/** A move of the scroll bar: near ones move the text by as much, far ones go to the place they point at. */
export function topAfterScroll(top: number, from: number, to: number, geometry: Geometry): number {
  const most = scrollMax(geometry);
  if (to <= 0) return 0;
  if (to >= most - 0.5) return topMax(geometry);
  const isMapped = topMax(geometry) > most;
  const isNear = Math.abs(to - from) <= 2 * geometry.viewPx;
  return isMapped && isNear ? clampTop(top + (to - from), geometry) : topOfScroll(to, geometry);
}

export type Window = {
  /** First row that is drawn, and the one after the last. */
  from: number;
  to: number;
  /** How much of the first row is above the view. */
  offsetPx: number;
};

export function windowOf(top: number, geometry: Geometry): Window {
  const { rows, rowPx, viewPx } = geometry;
  const at = clampTop(top, geometry);
  const from = Math.min(Math.floor(at / rowPx), Math.max(0, rows - 1));
  return { from, to: Math.min(rows, Math.ceil((at + viewPx) / rowPx) + 1), offsetPx: at - from * rowPx };
}

export const isAtEnd = (top: number, geometry: Geometry): boolean => top >= topMax(geometry) - 1;

/** `top` so that a row stands a third down the view. */
export const topOfRow = (row: number, geometry: Geometry): number =>
  clampTop(row * geometry.rowPx - geometry.viewPx / 3, geometry);
