import type { LogGap, LogLine } from './source.ts';

/* Parts of a log that are put away: folded sections and lines that are missing. Rows are what is drawn, lines what the log has. */

/** Lines `from` to before `to` are drawn as the one row of line `from`. */
export type Fold = { from: number; to: number };

export class RowMap {
  /** In order, apart from each other, each longer than one line. */
  readonly #folds: readonly Fold[];
  /** Lines hidden before each fold. */
  readonly #before: readonly number[];
  readonly rows: number;

  constructor(total: number, folds: readonly Fold[], gaps: readonly LogGap[]) {
    const all = [...folds, ...gaps]
      .map(({ from, to }) => ({ from: Math.max(0, from), to: Math.min(to, total) }))
      .filter(({ from, to }) => to - from > 1)
      .toSorted((a, b) => a.from - b.from);
    const apart: Fold[] = [];
    for (const fold of all) {
      const last = apart.at(-1);
      if (last && fold.from < last.to) last.to = Math.max(last.to, fold.to);
      else apart.push({ ...fold });
    }
    let hidden = 0;
    this.#before = apart.map(({ from, to }) => {
      const before = hidden;
      hidden += to - from - 1;
      return before;
    });
    this.#folds = apart;
    this.rows = Math.max(0, total - hidden);
  }

  lineOf(row: number): number {
    const at = this.#last((fold, before) => fold.from - before < row);
    const fold = this.#folds[at];
    return fold === undefined ? row : row + (this.#before[at] ?? 0) + (fold.to - fold.from - 1);
  }

  /** The row that draws a line, or the one it is put away under. */
  rowOf(line: number): number {
    const at = this.#last((fold) => fold.from < line);
    const fold = this.#folds[at];
    if (fold === undefined) return line;
    const before = this.#before[at] ?? 0;
    return line < fold.to ? fold.from - before : line - before - (fold.to - fold.from - 1);
  }

  /** Index of the last fold for which it holds; -1 for none. */
  #last(holds: (fold: Fold, before: number) => boolean): number {
    let [low, high] = [0, this.#folds.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const fold = this.#folds[middle];
      if (fold && holds(fold, this.#before[middle] ?? 0)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The title of a line that begins a section: `::group::Pods`, `##[group]Pods`, `--- Pods`. */
export function titleOf(text: string): string | undefined {
  const found = /^(?:::group::|##\[group\]|-{3} )\s*(.{1,200})/.exec(text);
  const title = found?.[1]?.replace(/\s*-{3,}\s*$/, '').trim();
  return title === '' ? undefined : title;
}

const endsHere = (text: string): boolean => /^(?:::endgroup::|##\[endgroup\])/.test(text);
const dashed = (text: string): boolean => text.startsWith('--- ');

export type Section = { title: string; from: number; to: number; failed: boolean; ms: number | undefined };

/**
 * The section that begins at `head`: up to its end mark, or to the next head of its kind, or to where `lines` end.
 * `closed` is false when the lines end before it does.
 */
export function sectionOf(head: LogLine, lines: Iterable<LogLine>): { section: Section; closed: boolean } | undefined {
  const title = titleOf(head.text);
  if (title === undefined) return undefined;
  const section: Section = { title, from: head.n, to: head.n + 1, failed: head.level === 'error', ms: undefined };
  const began = head.at === undefined ? Number.NaN : Date.parse(head.at);
  for (const line of lines) {
    if (line.n <= head.n) continue;
    const next = titleOf(line.text) !== undefined && dashed(line.text) === dashed(head.text);
    if (next) return { section, closed: true };
    section.to = line.n + 1;
    section.failed ||= line.level === 'error';
    const ms = line.at === undefined ? Number.NaN : Date.parse(line.at) - began;
    if (Number.isFinite(ms)) section.ms = ms;
    if (!dashed(head.text) && endsHere(line.text)) return { section, closed: true };
  }
  return { section, closed: false };
}
