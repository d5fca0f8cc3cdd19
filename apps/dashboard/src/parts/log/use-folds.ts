import { useState } from 'react';
import { chunkLines } from './chunks.ts';
import { type Section, sectionOf } from './folds.ts';
import type { LogLine, LogSource } from './source.ts';

/** How far the end of a section is looked for. */
const foldLinesMax = 40 * chunkLines;

/** Sections the reader put away. Their ends are looked for in the source when that is asked, not before. */
export function useFolds(
  source: LogSource,
  total: number,
): { folds: readonly Section[]; toggle: (line: LogLine) => void } {
  const [state, setState] = useState<{ source: LogSource; folds: readonly Section[] }>({ source, folds: [] });
  const folds = state.source === source ? state.folds : [];
  const toggle = (line: LogLine): void => {
    if (folds.some((fold) => fold.from === line.n)) {
      setState({ source, folds: folds.filter((fold) => fold.from !== line.n) });
      return;
    }
    void endOf(source, line, total).then((section) => {
      if (section) setState((now) => ({ source, folds: [...(now.source === source ? now.folds : []), section] }));
    });
  };
  return { folds, toggle };
}

async function endOf(source: LogSource, head: LogLine, total: number): Promise<Section | undefined> {
  const { signal } = new AbortController();
  const lines: LogLine[] = [];
  let section: Section | undefined;
  for (let at = head.n + 1; at < Math.min(total, head.n + foldLinesMax); at += chunkLines) {
    try {
      lines.push(...(await source.read(at, Math.min(chunkLines, total - at), signal)));
    } catch {
      // What was found so far is put away; the rest stays in sight.
      return section;
    }
    const found = sectionOf(head, lines);
    section = found?.section;
    if (found?.closed) return section;
  }
  return section;
}
