import type { Activity } from '@muster/protocol';
import { useMemo, useState } from 'react';
import type { Pages } from '../../api/pages.ts';
import { useFollow } from '../../live/use-live.ts';
import { activityStream, botStream, type FeedFilter, useFeed } from './data.ts';

/** What a person reads as one line: an act with the thought it came from, or whatever else was told. */
export type FeedLine = { id: string; row: Activity; why: string | null };

export const feedRowsMax = 500;

/** The feed from its newest line on. While `still` what comes is kept back and counted. */
export function useLiveFeed(
  filter: FeedFilter,
  still: boolean,
): { lines: FeedLine[]; held: number; pages: Pages<Activity>; show: () => void } {
  const pages = useFeed(filter);
  const [live, setLive] = useState<readonly Activity[]>([]);
  const [kept, setKept] = useState<readonly Activity[]>([]);
  const { persona, type, bot } = filter;
  const wanted = useMemo(() => wantedBy({ persona, type }), [persona, type]);
  const key = `${persona ?? ''} ${type ?? ''} ${bot ?? ''}`;
  const [shownKey, setShownKey] = useState(key);
  if (shownKey !== key) {
    setShownKey(key);
    setLive([]);
    setKept([]);
  }
  const add = (records: readonly Activity[]): void =>
    setLive((before) => [...records.toReversed(), ...before].slice(0, feedRowsMax));
  useFollow<Activity>(bot === undefined ? activityStream : botStream(bot), {
    take: (records) => {
      const fitting = records.filter(wanted);
      if (fitting.length === 0) return;
      if (!still) return add(fitting);
      setKept((before) => [...before, ...fitting].slice(-feedRowsMax));
    },
    gap: pages.retry,
  });
  const show = (): void => {
    add(kept);
    setKept([]);
  };
  const lines = useMemo(() => linesOf([...live, ...pages.rows]), [live, pages.rows]);
  return { lines, held: kept.length, pages, show };
}

function wantedBy({
  persona,
  type,
}: {
  persona: string | undefined;
  type: string | undefined;
}): (row: Activity) => boolean {
  const personas = persona?.split(',');
  const types = type?.split(',');
  return (row) =>
    (personas === undefined || personas.includes(row.personaId ?? 'custom')) &&
    (types === undefined || types.includes(row.type));
}

/** Newest first, each once; a thought is read with the act that came of it. */
export function linesOf(rows: readonly Activity[]): FeedLine[] {
  const once = [...new Map(rows.map((row) => [row.id, row])).values()].sort((a, b) => b.seq - a.seq);
  const acted = new Set(
    once.flatMap(({ type, thoughtId }) => (type === 'thought' || thoughtId === undefined ? [] : [thoughtId])),
  );
  const whys = new Map(
    once.flatMap((row) => (row.type === 'thought' ? [[row.thoughtId ?? row.id, row.message] as const] : [])),
  );
  return once.flatMap((row): FeedLine[] => {
    const { type, thoughtId, id } = row;
    if (type === 'thought' && acted.has(thoughtId ?? id)) return [];
    return [{ id, row, why: type === 'thought' || thoughtId === undefined ? null : (whys.get(thoughtId) ?? null) }];
  });
}
