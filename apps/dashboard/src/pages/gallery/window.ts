import type { WindowQuery } from '@muster/client';
import { useMemo, useState } from 'react';
import { useClock } from '../../parts/time.tsx';

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const stepMs = 60_000;
const minuteOf = (ms: number): number => Math.floor(ms / stepMs) * stepMs;

/** From when to when; a window that ends now ends at the full minute, so that it is asked for once and not all the time. */
export function useWindow({
  last,
  from,
  to,
}: {
  last: string | undefined;
  from: string | undefined;
  to: string | undefined;
}): WindowQuery {
  const clock = useClock();
  const key = `${last ?? ''} ${from ?? ''} ${to ?? ''}`;
  const [asked, setAsked] = useState(() => ({ key, now: minuteOf(clock.now()) }));
  if (asked.key !== key) setAsked({ key, now: minuteOf(clock.now()) });
  const { now } = asked;
  return useMemo(() => {
    if (last === undefined) return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const length = Number(last.slice(0, -1)) * (units[last.slice(-1)] ?? 3_600_000);
    return { from: new Date(now - length).toISOString(), to: new Date(now + stepMs).toISOString() };
  }, [last, from, to, now]);
}
