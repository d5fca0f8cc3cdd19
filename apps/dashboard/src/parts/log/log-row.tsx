import { ChevronDown, ChevronRight } from 'lucide-react';
import { type MouseEvent, memo, type ReactNode } from 'react';
import { partsWords as words } from '../../words/parts.ts';
import { clockTimeMs, count, duration, msOf } from '../format.ts';
import { Text } from '../text.tsx';
import { ToneIcon } from '../tone-icon.tsx';
import { type Look, spansOf } from './ansi.ts';
import { paintOf } from './colour.ts';
import type { Section } from './folds.ts';
import type { LogGap, LogHit, LogLine } from './source.ts';

export type LogTimes = 'off' | 'relative' | 'local' | 'utc';

export type LogRowProps = {
  n: number;
  line: LogLine | undefined;
  /** Was asked for and is not there. */
  absent: boolean;
  gap: LogGap | undefined;
  fold: Section | undefined;
  /** Set: it begins a section that can be folded. */
  title: string | undefined;
  times: LogTimes;
  /** The first line's time: what relative times count from. */
  startMs: number;
  digits: number;
  marked: boolean;
  current: boolean;
  hits: readonly LogHit[];
  /** What is searched for, when the hits of this line are not known. */
  needle: string;
  onNumber: (n: number, event: MouseEvent) => void;
  onFold: (n: number) => void;
  onWhole: ((n: number) => void) | undefined;
};

function RowOf(props: LogRowProps): ReactNode {
  const { n, line, gap, fold, title, times, startMs, digits, marked, current, onNumber, onFold } = props;
  const level = line?.level ?? 'info';
  return (
    <div
      className={`log-row log-${level}`}
      data-line={n}
      data-marked={marked || undefined}
      data-current={current || undefined}
    >
      <button
        type="button"
        tabIndex={-1}
        className="log-number"
        style={{ minWidth: `${digits + 1}ch` }}
        aria-label={words.log.line(count(n + 1))}
        onClick={(event) => onNumber(n, event)}
      >
        {n + 1}
      </button>
      {times === 'off' ? null : <span className={`log-time log-time-${times}`}>{timeOf(line, times, startMs)}</span>}
      <span className="log-mark">
        {level === 'info' ? null : <ToneIcon tone={level === 'error' ? 'failed' : 'warn'} size={10} label={level} />}
      </span>
      {gap ? (
        <span className="log-gap">{words.log.gap(count(gap.to - gap.from), gap.reason, gap.since)}</span>
      ) : (
        <span className="log-text">
          {title === undefined ? null : (
            <button
              type="button"
              className="log-fold"
              aria-expanded={fold === undefined}
              aria-label={words.log.fold(title)}
              onClick={() => onFold(n)}
            >
              {fold ? <ChevronRight aria-hidden size={14} /> : <ChevronDown aria-hidden size={14} />}
            </button>
          )}
          <Body {...props} />
          {fold ? <Folded fold={fold} /> : null}
        </span>
      )}
    </div>
  );
}

function Folded({ fold }: { fold: Section }): ReactNode {
  return (
    <span className="log-folded">
      {words.log.folded(count(fold.to - fold.from - 1), fold.ms === undefined ? '' : duration(fold.ms))}
      {fold.failed ? <ToneIcon tone="failed" size={12} label={words.log.failed} /> : null}
    </span>
  );
}

function Body({ line, absent, hits, needle, onWhole }: LogRowProps): ReactNode {
  if (!line)
    return absent ? <span className="log-soft">{words.log.absent}</span> : <span className="log-wait" aria-hidden />;
  const cut = line.cutBytes ?? 0;
  const shown = clipped(line.text);
  return (
    <>
      {line.source === undefined ? null : (
        <span className={`log-source log-source-${line.source === 'system' ? 'system' : 'other'}`}>
          <Text value={line.source} max={12} />
        </span>
      )}
      {marksOf(spansOf(shown), hits, needle).map((span, i) => (
        <Piece key={i} {...span} />
      ))}
      {cut > 0 || shown.length < line.text.length ? (
        <button type="button" className="log-more" onClick={() => onWhole?.(line.n)}>
          {words.log.cut}
        </button>
      ) : null}
    </>
  );
}

const shownMax = 16_384;
const clipped = (text: string): string => (text.length > shownMax ? text.slice(0, shownMax) : text);

type PieceProps = { text: string; look: Look; href?: string | undefined; mark?: boolean };

function Piece({ text, look, href, mark = false }: PieceProps): ReactNode {
  const name = [
    look.bold && 'ansi-bold',
    look.dim && look.fg === undefined && 'ansi-dim',
    look.italic && 'ansi-italic',
    look.underline && 'ansi-underline',
    look.strike && 'ansi-strike',
  ]
    .filter(Boolean)
    .join(' ');
  const paint = paintOf(look);
  const inside = mark ? <mark>{text}</mark> : text;
  if (href !== undefined) {
    return (
      <a href={href} target="_blank" rel="noopener noreferrer" className={name} style={paint}>
        {inside}
      </a>
    );
  }
  return name === '' && paint.color === undefined && paint.backgroundColor === undefined ? (
    <>{inside}</>
  ) : (
    <span className={name === '' ? undefined : name} style={paint}>
      {inside}
    </span>
  );
}

/** Cuts spans where a hit begins and ends. */
function marksOf(spans: readonly PieceProps[], hits: readonly LogHit[], needle: string): readonly PieceProps[] {
  const known = hits.filter((hit) => hit.from !== undefined && hit.to !== undefined);
  const whole = spans.map(({ text }) => text).join('');
  const ranges =
    known.length > 0
      ? known.map(({ from = 0, to = 0 }) => ({ from, to }))
      : needle === ''
        ? []
        : placesOf(whole, needle);
  if (ranges.length === 0) return spans;
  let at = 0;
  return spans.flatMap((span) => {
    const start = at;
    at += span.text.length;
    const cuts = [0, span.text.length];
    for (const { from, to } of ranges)
      for (const edge of [from - start, to - start]) if (edge > 0 && edge < span.text.length) cuts.push(edge);
    const edges = [...new Set(cuts)].toSorted((a, b) => a - b);
    return edges.slice(1).flatMap((edge, i) => {
      const begin = edges[i] ?? 0;
      const text = span.text.slice(begin, edge);
      const mark = ranges.some(({ from, to }) => start + begin >= from && start + edge <= to);
      return text === '' ? [] : [{ ...span, text, mark }];
    });
  });
}

function placesOf(text: string, needle: string): { from: number; to: number }[] {
  const [hay, find] = [text.toLowerCase(), needle.toLowerCase()];
  const found: { from: number; to: number }[] = [];
  for (let at = hay.indexOf(find); at !== -1 && found.length < 50; at = hay.indexOf(find, at + find.length))
    found.push({ from: at, to: at + find.length });
  return found;
}

function timeOf(line: LogLine | undefined, times: LogTimes, startMs: number): string {
  const ms = msOf(line?.at);
  if (ms === null) return '';
  if (times === 'relative') return Number.isFinite(startMs) ? `+${((ms - startMs) / 1_000).toFixed(2)}` : '';
  return clockTimeMs(ms, times);
}

export const LogRow = memo(RowOf);
