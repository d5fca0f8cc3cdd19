/* What part of time a timeline shows, and where its ticks stand. */

export type Span = { from: number; to: number };

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const steps = [
  10,
  20,
  50,
  100,
  200,
  500,
  second,
  2 * second,
  5 * second,
  10 * second,
  15 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  24 * hour,
  48 * hour,
  7 * 24 * hour,
] as const;

const spanMsMin = 50;

export const xOf = (at: number, span: Span, width: number): number =>
  ((at - span.from) / (span.to - span.from)) * width;

/** All that happened, with a little air behind. */
export function wholeOf(times: readonly number[]): Span {
  if (times.length === 0) return { from: 0, to: 1_000 };
  const from = times.reduce((a, b) => Math.min(a, b));
  const to = times.reduce((a, b) => Math.max(a, b));
  return { from, to: from + Math.max(spanMsMin, (to - from) * 1.02) };
}

/** Zooms around a moment; never out of the whole, never closer than makes sense. */
export function zoomed(span: Span, whole: Span, factor: number, around: number): Span {
  const length = Math.min(Math.max((span.to - span.from) * factor, spanMsMin), whole.to - whole.from);
  const share = (around - span.from) / (span.to - span.from);
  return within({ from: around - share * length, to: around + (1 - share) * length }, whole);
}

export const moved = (span: Span, whole: Span, by: number): Span =>
  within({ from: span.from + by, to: span.to + by }, whole);

function within(span: Span, whole: Span): Span {
  const length = Math.min(span.to - span.from, whole.to - whole.from);
  const from = Math.min(Math.max(span.from, whole.from), whole.to - length);
  return { from, to: from + length };
}

/** Ticks counted from the beginning of the whole, at least `gapPx` apart. */
export function ticksOf(span: Span, origin: number, width: number, gapPx = 90): number[] {
  const perPx = (span.to - span.from) / Math.max(1, width);
  const step =
    steps.find((each) => each >= perPx * gapPx) ?? Math.ceil((perPx * gapPx) / (7 * 24 * hour)) * 7 * 24 * hour;
  const ticks: number[] = [];
  for (let at = origin + Math.ceil((span.from - origin) / step) * step; at <= span.to; at += step) ticks.push(at);
  return ticks;
}

export type Group<T> = { at: number; items: T[] };

/** Things closer than `gapPx` become one, so that a thousand of them can be drawn and told. */
export function grouped<T extends { at: number }>(
  items: readonly T[],
  span: Span,
  width: number,
  gapPx = 8,
): Group<T>[] {
  const groups: Group<T>[] = [];
  for (const item of items.toSorted((a, b) => a.at - b.at)) {
    if (item.at < span.from || item.at > span.to) continue;
    const last = groups.at(-1);
    if (last && xOf(item.at, span, width) - xOf(last.at, span, width) < gapPx) last.items.push(item);
    else groups.push({ at: item.at, items: [item] });
  }
  return groups;
}
