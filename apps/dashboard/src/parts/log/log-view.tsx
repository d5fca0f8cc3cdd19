import { ArrowDown } from 'lucide-react';
import {
  type MouseEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { partsWords as words } from '../../words/parts.ts';
import { Button } from '../button.tsx';
import { count } from '../format.ts';
import { remPx } from '../use-width.ts';
import type { LineRange } from './anchor.ts';
import type { Chunks } from './chunks.ts';
import { RowMap, type Section, titleOf } from './folds.ts';
import { LogRow, type LogTimes } from './log-row.tsx';
import type { LogHit, LogSnapshot } from './source.ts';
import {
  clampTop,
  type Geometry,
  isAtEnd,
  scrollOfTop,
  spaceOf,
  topAfterScroll,
  topOfRow,
  windowOf,
} from './window.ts';

export type LogViewHandle = {
  goTo: (n: number) => void;
  toEnd: () => void;
  /** The first line in sight. */
  firstLine: () => number;
};

export type LogViewProps = {
  name: string;
  snapshot: LogSnapshot;
  chunks: Chunks;
  folds: readonly Section[];
  wrap: boolean;
  times: LogTimes;
  range: LineRange | undefined;
  current: number | undefined;
  hits: readonly LogHit[];
  needle: string;
  follow: boolean;
  onFollow: (follow: boolean) => void;
  onNumber: (n: number, event: MouseEvent) => void;
  onFold: (n: number) => void;
  onWhole: ((n: number) => void) | undefined;
  ref: Ref<LogViewHandle>;
};

/** A row is 1.45 lines of 12 px. */
const rowRem = 1.125;
const settleMs = 140;
const noHits: readonly LogHit[] = [];

/** The scrolled part of a log: draws the lines in sight and nothing else, at any length. */
export function LogView(props: LogViewProps): ReactNode {
  const {
    name,
    snapshot,
    chunks,
    folds,
    wrap,
    times,
    range,
    current,
    hits,
    needle,
    follow,
    onFollow,
    onFold,
    onNumber,
    onWhole,
    ref,
  } = props;
  const box = useRef<HTMLDivElement>(null);
  const [viewPx, setViewPx] = useState(0);
  const [top, setTop] = useState(0);
  const rowPx = Math.round(rowRem * remPx());
  const map = useMemo(() => new RowMap(snapshot.total, folds, snapshot.gaps), [snapshot, folds]);
  const geometry: Geometry = { rows: map.rows, rowPx, viewPx };
  // What the scroll bar was last seen at, and what it was last set to.
  const bar = useRef({ seen: 0, set: -1, timer: undefined as ReturnType<typeof setTimeout> | undefined });
  const [seenTotal, setSeenTotal] = useState(snapshot.total);
  const place = follow ? clampTop(Number.POSITIVE_INFINITY, geometry) : clampTop(top, geometry);
  const latest = useRef({ place, geometry });
  latest.current = { place, geometry };

  useLayoutEffect(() => {
    const seen = box.current;
    if (!seen) return undefined;
    setViewPx(seen.clientHeight);
    const observer = new ResizeObserver(() => setViewPx(seen.clientHeight));
    observer.observe(seen);
    return () => observer.disconnect();
  }, []);
  // Measured, not remembered: the first place may be asked for before the size is known.
  const measured = (): Geometry => ({ ...latest.current.geometry, viewPx: box.current?.clientHeight ?? 0 });
  const put = (next: number): void => {
    const geometry = measured();
    const scroll = scrollOfTop(next, geometry);
    setTop(next);
    if (!box.current) return;
    box.current.scrollTop = scroll;
    bar.current.seen = box.current.scrollTop;
    bar.current.set = box.current.scrollTop;
  };
  useLayoutEffect(() => {
    if (follow) put(clampTop(Number.POSITIVE_INFINITY, geometry));
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- the end moves with these and nothing else
  }, [follow, map.rows, viewPx]);
  useEffect(() => {
    if (follow) setSeenTotal(snapshot.total);
  }, [follow, snapshot.total]);
  useEffect(() => () => clearTimeout(bar.current.timer), []);

  const scrolled = (): void => {
    const element = box.current;
    if (!element) return;
    const to = element.scrollTop;
    const { seen, set } = bar.current;
    if (Math.abs(to - set) < 1.5) {
      bar.current.seen = to;
      return;
    }
    const { place, geometry } = latest.current;
    const next = topAfterScroll(place, seen, to, geometry);
    bar.current.seen = to;
    bar.current.set = -1;
    setTop(next);
    const end = isAtEnd(next, geometry);
    if (follow !== end) {
      if (!end) setSeenTotal(snapshot.total);
      onFollow(end);
    }
    // Small moves leave the bar beside its place; it is set right when it rests.
    clearTimeout(bar.current.timer);
    bar.current.timer = setTimeout(() => put(latest.current.place), settleMs);
  };
  const goTo = (n: number): void => {
    onFollow(false);
    put(topOfRow(map.rowOf(n), measured()));
  };
  useImperativeHandle(ref, () => ({
    goTo,
    toEnd: () => onFollow(true),
    firstLine: () => map.lineOf(windowOf(latest.current.place, latest.current.geometry).from),
  }));

  const window = windowOf(place, geometry);
  const lines: number[] = [];
  if (viewPx > 0) for (let row = window.from; row < window.to; row += 1) lines.push(map.lineOf(row));
  const first = lines[0] ?? 0;
  const last = lines.at(-1) ?? 0;
  useEffect(() => {
    chunks.want(first, last + 1, snapshot.total);
    // The beginning gives relative times their zero.
    if (times === 'relative') chunks.want(0, 1, snapshot.total);
  });
  const startMs = Date.parse(chunks.line(0)?.at ?? '');
  const byLine = useMemo(() => Map.groupBy(hits, (hit) => hit.n), [hits]);
  const atEnd = isAtEnd(place, geometry);
  const fresh = follow ? 0 : Math.max(0, snapshot.total - seenTotal);
  const problem = lines.map((n) => chunks.problemAt(n)).find((each) => each !== undefined);
  return (
    <div className="log-frame">
      <div
        ref={box}
        role="log"
        aria-live="off"
        aria-label={name}
        tabIndex={0}
        className={`log-box ${wrap ? 'log-wrap' : ''}`}
        onScroll={scrolled}
      >
        <div className="log-space" style={{ height: spaceOf(geometry) }}>
          <div className="log-layer" style={{ height: Math.min(viewPx, Math.max(rowPx, map.rows * rowPx)) }}>
            <div
              className={wrap && atEnd && map.rows * rowPx > viewPx ? 'log-rows log-rows-end' : 'log-rows'}
              style={
                wrap && atEnd && map.rows * rowPx > viewPx
                  ? undefined
                  : { transform: `translateY(${-window.offsetPx}px)` }
              }
            >
              {lines.map((n) => {
                const line = chunks.line(n);
                const fold = folds.find((each) => each.from === n);
                return (
                  <LogRow
                    key={n}
                    n={n}
                    line={line}
                    absent={!line && chunks.knows(n)}
                    gap={snapshot.gaps.find((gap) => gap.from === n)}
                    fold={fold}
                    title={line === undefined ? undefined : titleOf(line.text)}
                    times={times}
                    startMs={startMs}
                    digits={String(snapshot.total).length}
                    marked={range !== undefined && n >= range.from && n <= range.to}
                    current={n === current}
                    hits={byLine.get(n) ?? noHits}
                    needle={needle}
                    onNumber={onNumber}
                    onFold={onFold}
                    onWhole={onWhole}
                  />
                );
              })}
            </div>
          </div>
        </div>
      </div>
      {problem === undefined ? null : (
        <div className="log-float log-problem" role="alert">
          <span>{words.log.unread}</span>
          <Button size="s" onClick={() => chunks.retry()}>
            {words.problem.retry}
          </Button>
        </div>
      )}
      {fresh > 0 ? (
        <div className="log-float" role="status">
          <Button size="s" variant="primary" iconEnd={<ArrowDown aria-hidden />} onClick={() => onFollow(true)}>
            {words.log.fresh(count(fresh), fresh)}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
