import { type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { partsWords as words } from '../../words/parts.ts';
import { Button } from '../button.tsx';
import { useCopy } from '../copy-button.tsx';
import { Dialog } from '../dialog.tsx';
import { count } from '../format.ts';
import { useKeys } from '../keys.tsx';
import './log.css';
import { visible } from '../plain.ts';
import { anchorOf, type LineRange, rangeOf } from './anchor.ts';
import { textOf } from './ansi.ts';
import { LogBar, type LogView as View } from './log-bar.tsx';
import { LogView, type LogViewHandle } from './log-view.tsx';
import type { LogSource } from './source.ts';
import { useFolds } from './use-folds.ts';
import { useLogFind } from './use-log-find.ts';
import { useLogLines } from './use-log-lines.ts';

export type {
  LogGap,
  LogHit,
  LogHits,
  LogLevel,
  LogLine,
  LogNarrow,
  LogQuery,
  LogSnapshot,
  LogSource,
} from './source.ts';
export type LogViewState = View;

export type LogViewerProps = {
  /** Keep it the same object for the same log. */
  source: LogSource;
  /** What log it is. */
  name: string;
  /** Opens at the first error; else at the end. */
  openAtError?: boolean | undefined;
  /** The part of the URL behind `#`: `L10` or `L10-L20`. */
  anchor?: string | undefined;
  onAnchor?: ((anchor: string | undefined) => void) | undefined;
  /** What the reader chose to see, when the page keeps it in the URL. */
  state?: View | undefined;
  onState?: ((state: View) => void) | undefined;
  downloads?: readonly { label: string; href: string }[] | undefined;
  /** CSS height; all there is by default. */
  height?: string | undefined;
};

const copyLinesMax = 5_000;

/** A log of any length: follow it, find in it, link to its lines. */
export function LogViewer(props: LogViewerProps): ReactNode {
  const { name, openAtError = false, anchor, onAnchor, downloads = [], height } = props;
  const [own, setOwn] = useState<View>({});
  const view = props.state ?? own;
  const onView = (patch: View): void => {
    const next = { ...view, ...patch };
    setOwn(next);
    props.onState?.(next);
  };
  const { levels = [], sources = [] } = view;
  const shape = `${levels.join()}/${sources.join()}`;
  const source = useMemo(
    () => (shape === '/' ? props.source : (props.source.narrow?.({ levels, sources }) ?? props.source)),
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- the lists are new with every draw; their text is not
    [props.source, shape],
  );
  const { snapshot, chunks } = useLogLines(source);
  const { folds, toggle } = useFolds(source, snapshot.total);
  const view_ = useRef<LogViewHandle>(null);
  const findField = useRef<HTMLInputElement>(null);
  const range = useMemo(() => rangeOf(anchor), [anchor]);
  const [follow, setFollow] = useState(range === undefined && !openAtError);
  const [current, setCurrent] = useState<number>();
  const [whole, setWhole] = useState<{ n: number; text: string }>();
  const go = (n: number): void => {
    setCurrent(n);
    view_.current?.goTo(n);
  };
  const find = useLogFind(source, view.find ?? '', view.regex ?? false, () => view_.current?.firstLine() ?? 0, go);
  const nextError = (step: 1 | -1): void => {
    const from = current ?? (view_.current?.firstLine() ?? 0) - 1;
    void source.nextError?.(from, step, new AbortController().signal).then(
      (n) => {
        if (n !== null) go(n);
      },
      () => undefined,
    );
  };

  // Where it opens: at the linked line, else at the first error, else at its end.
  const hasLines = snapshot.total > 0;
  useEffect(() => {
    if (!hasLines) return undefined;
    if (range) {
      view_.current?.goTo(range.from);
      return undefined;
    }
    if (!openAtError || !source.nextError) return undefined;
    const stop = new AbortController();
    void source.nextError(-1, 1, stop.signal).then(
      (n) => {
        if (stop.signal.aborted) return;
        if (n === null) setFollow(true);
        else go(n);
      },
      () => setFollow(true),
    );
    return () => stop.abort();
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- where it opens is decided once for each log
  }, [source, hasLines]);

  useKeys([
    ...(source.nextError
      ? [
          { keys: 'e', label: words.log.nextError, group: words.keys.log, run: () => nextError(1) },
          { keys: 'E', label: words.log.previousError, group: words.keys.log, run: () => nextError(-1) },
        ]
      : []),
    ...(source.find
      ? [
          { keys: '/', label: words.log.find, group: words.keys.log, run: () => findField.current?.focus() },
          { keys: 'n', label: words.log.nextHit, group: words.keys.log, run: () => find.step(1) },
          { keys: 'N', label: words.log.previousHit, group: words.keys.log, run: () => find.step(-1) },
        ]
      : []),
    { keys: 'f', label: words.log.follow, group: words.keys.log, run: () => setFollow(true) },
    {
      keys: 'w',
      label: words.log.wrap,
      group: words.keys.log,
      run: () => onView({ wrap: view.wrap ? undefined : true }),
    },
  ]);

  const pickLine = (n: number, event: MouseEvent): void => {
    const next: LineRange =
      event.shiftKey && range ? { from: Math.min(range.from, n), to: Math.max(range.from, n) } : { from: n, to: n };
    const isSame = range?.from === n && range.to === n;
    onAnchor?.(isSame ? undefined : anchorOf(next));
  };
  const showWhole = (n: number): void => {
    const known = chunks.line(n)?.text ?? '';
    if (!source.whole) setWhole({ n, text: known });
    else
      void source.whole(n, new AbortController().signal).then(
        (text) => setWhole({ n, text }),
        () => setWhole({ n, text: known }),
      );
  };
  return (
    <div className="log" style={height === undefined ? undefined : { height, flex: 'none' }}>
      <LogBar
        view={view}
        onView={onView}
        total={snapshot.total}
        find={find}
        canFind={source.find !== undefined}
        findField={findField}
        onNextError={source.nextError ? () => nextError(1) : undefined}
        follow={follow}
        onFollow={snapshot.ended && !snapshot.follows ? undefined : () => setFollow(!follow)}
        onGoTo={go}
        narrow={props.source.narrow ? { sources: props.source.sources ?? [] } : undefined}
        downloads={downloads}
        selection={
          range && onAnchor ? <Picked range={range} source={source} onClear={() => onAnchor(undefined)} /> : null
        }
      />
      {snapshot.total === 0 ? (
        <p className="log-none">{snapshot.ended ? words.log.empty : words.log.waiting}</p>
      ) : (
        <LogView
          ref={view_}
          name={name}
          snapshot={snapshot}
          chunks={chunks}
          folds={folds}
          wrap={view.wrap ?? false}
          times={view.times ?? 'off'}
          range={range}
          current={current}
          hits={find.hits}
          needle={view.regex ? '' : (view.find ?? '')}
          follow={follow}
          onFollow={setFollow}
          onNumber={pickLine}
          onFold={(n) => {
            const line = chunks.line(n);
            if (line) toggle(line);
          }}
          onWhole={showWhole}
        />
      )}
      <Dialog
        open={whole !== undefined}
        onClose={() => setWhole(undefined)}
        title={words.log.line(count((whole?.n ?? 0) + 1))}
        size="l"
      >
        <pre className="log-whole lines">{visible(whole?.text ?? '', true)}</pre>
      </Dialog>
    </div>
  );
}

/** What can be done with the linked lines. */
function Picked({ range, source, onClear }: { range: LineRange; source: LogSource; onClear: () => void }): ReactNode {
  const { copied, copy } = useCopy();
  const [busy, setBusy] = useState(false);
  const many = range.to - range.from + 1;
  const copyLines = (): void => {
    setBusy(true);
    source
      .read(range.from, Math.min(many, copyLinesMax), new AbortController().signal)
      .then((lines) => copy(lines.map(({ text }) => textOf(text)).join('\n')))
      .finally(() => setBusy(false))
      .catch(() => undefined);
  };
  return (
    <span className="row">
      <Button
        size="s"
        busy={busy}
        onClick={copyLines}
        disabledReason={many > copyLinesMax ? words.log.tooMany(count(copyLinesMax)) : undefined}
      >
        {copied ? words.copy.copied : words.log.copyLines(count(many), many)}
      </Button>
      <Button size="s" variant="quiet" onClick={() => copy(globalThis.location.href)}>
        {words.log.copyLink}
      </Button>
      <Button size="s" variant="quiet" onClick={onClear}>
        {words.table.clear}
      </Button>
    </span>
  );
}
