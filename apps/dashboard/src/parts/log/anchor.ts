/* Links to lines: `L9987` is one, `L10-L20` a range; people count from 1. */

export type LineRange = { from: number; to: number };

export function rangeOf(anchor: string | undefined): LineRange | undefined {
  const found = /^#?L(\d{1,10})(?:-L?(\d{1,10}))?$/.exec(anchor ?? '');
  if (!found) return undefined;
  const [a, b] = [Number(found[1]) - 1, Number(found[2] ?? found[1]) - 1];
  return a < 0 || b < 0 ? undefined : { from: Math.min(a, b), to: Math.max(a, b) };
}

export const anchorOf = ({ from, to }: LineRange): string => (from === to ? `L${from + 1}` : `L${from + 1}-L${to + 1}`);
