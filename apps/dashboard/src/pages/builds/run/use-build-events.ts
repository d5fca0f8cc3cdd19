import type { BuildEventRecord } from '@muster/protocol';
import { useEffect, useRef, useState } from 'react';
import { useFollow } from '../../../live/use-live.ts';

/** Events of one build that are kept; the newest. A build that is lost and retried for days has more. */
export const eventsMax = 2_000;

/** What happened to one build, from its beginning, live. */
export function useBuildEvents(
  id: string,
  heard: (records: readonly BuildEventRecord[]) => void,
): {
  events: readonly BuildEventRecord[];
  cut: number;
} {
  const [state, setState] = useState<{ id: string; events: BuildEventRecord[]; cut: number }>({
    id,
    events: [],
    cut: 0,
  });
  const latest = useRef(heard);
  useEffect(() => {
    latest.current = heard;
  });
  useFollow<BuildEventRecord>(
    `builds/${id}/events`,
    {
      take: (records) => {
        setState((before) => {
          const known = before.id === id ? before : { id, events: [], cut: 0 };
          // A reader that starts again at the beginning brings what is here already.
          const last = known.events.at(-1)?.id ?? 0;
          const events = [...known.events, ...records.filter((record) => record.id > last)];
          const over = Math.max(0, events.length - eventsMax);
          return { id, events: events.slice(over), cut: known.cut + over };
        });
        latest.current(records);
      },
    },
    '-1',
  );
  return state.id === id ? state : { events: [], cut: 0 };
}
