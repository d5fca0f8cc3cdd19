import type { ReactNode } from 'react';
import { Button } from '../../parts/button.tsx';
import { bytes, count } from '../../parts/format.ts';
import { JsonTree } from '../../parts/json-tree.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Text } from '../../parts/text.tsx';
import { streamsWords } from '../../words/streams.ts';
import { useRecords } from './use-records.ts';

const w = streamsWords.one;

/** What a stream holds, oldest first. */
export function RecordList({ path, from }: { path: string; from: string }): ReactNode {
  const { rows, dropped, atEnd, closed, reading, problem, more } = useRecords(path, from);
  return (
    <div className="stack p-4">
      {dropped > 0 ? <p className="text-soft">{w.dropped(count(dropped))}</p> : null}
      <ol className="flex max-h-[60vh] flex-col gap-1 overflow-auto" aria-label={w.records} tabIndex={0}>
        {rows.map(({ key, value }) => (
          <li key={key} className="border-b border-hair py-1">
            <Record value={value} />
          </li>
        ))}
      </ol>
      {problem ? <ProblemPanel problem={problem} onRetry={more} busy={reading} /> : null}
      {reading && rows.length === 0 ? <Skeleton lines={4} /> : null}
      <div className="row">
        {atEnd ? (
          <span className="text-soft">{closed ? w.over : rows.length === 0 ? w.none : w.atEnd}</span>
        ) : (
          <Button onClick={more} busy={reading}>
            {w.read}
          </Button>
        )}
      </div>
    </div>
  );
}

function Record({ value }: { value: unknown }): ReactNode {
  if (value instanceof Uint8Array) return <span className="mono text-soft">{w.bytes(bytes(value.byteLength))}</span>;
  if (typeof value === 'string') {
    return (
      <span className="mono whitespace-pre-wrap break-words">
        <Text value={value} max={16_384} mono />
      </span>
    );
  }
  return <JsonTree value={value} open={1} />;
}
