import { type ReactNode, useEffect } from 'react';
import { partsWords as words } from '../../words/parts.ts';
import './log.css';
import { Link } from '../nav.tsx';
import { LogRow } from './log-row.tsx';
import type { LogSource } from './source.ts';
import { useLogLines } from './use-log-lines.ts';

export type LogTailProps = {
  source: LogSource;
  name?: string | undefined;
  lines?: number | undefined;
  /** Where the whole log is. */
  to?: string | undefined;
};

const nothing = (): void => undefined;

/** The last lines of a log, as it grows. */
export function LogTail({ source, name = words.log.tail, lines = 12, to }: LogTailProps): ReactNode {
  const { snapshot, chunks } = useLogLines(source);
  const from = Math.max(0, snapshot.total - lines);
  useEffect(() => chunks.want(from, snapshot.total, snapshot.total));
  if (snapshot.total === 0) return <p className="log-none">{snapshot.ended ? words.log.empty : words.log.waiting}</p>;
  return (
    <div className="log-tail-frame">
      <div role="log" aria-live="off" aria-label={name} tabIndex={0} className="log-tail">
        {Array.from({ length: snapshot.total - from }, (_, i) => from + i).map((n) => (
          <LogRow
            key={n}
            n={n}
            line={chunks.line(n)}
            absent={!chunks.line(n) && chunks.knows(n)}
            gap={snapshot.gaps.find((gap) => gap.from === n)}
            fold={undefined}
            title={undefined}
            times="off"
            startMs={Number.NaN}
            digits={String(snapshot.total).length}
            marked={false}
            current={false}
            hits={[]}
            needle=""
            onNumber={nothing}
            onFold={nothing}
            onWhole={undefined}
          />
        ))}
      </div>
      {to === undefined ? null : (
        <Link to={to} className="log-all">
          {words.log.open}
        </Link>
      )}
    </div>
  );
}
