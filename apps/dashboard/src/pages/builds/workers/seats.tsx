import type { Worker } from '@muster/protocol';
import type { ReactNode } from 'react';
import { shortId } from '../../../parts/format.ts';
import { Link } from '../../../parts/nav.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { buildPath } from '../list/columns.tsx';

const namedMax = 3;

/** Seats of a worker, and what sits on them. */
export function Seats({ worker }: { worker: Worker }): ReactNode {
  const { held, seats } = worker;
  return (
    <span className="row clip">
      <span className="num">{w.workers.seatsOf(held.length, seats)}</span>
      {held.slice(0, namedMax).map(({ buildId }) => (
        <Link key={buildId} to={buildPath(buildId)} className="mono text-sm">
          {shortId(buildId)}
        </Link>
      ))}
      {held.length > namedMax ? <span className="text-soft">{w.workers.more(held.length - namedMax)}</span> : null}
    </span>
  );
}
