import {
  Circle,
  CircleDashed,
  CircleOff,
  CircleSlash,
  Pause,
  RefreshCw,
  RotateCw,
  Timer,
  TriangleAlert,
} from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useNewBuild } from '../api/news.ts';
import { signInHref } from '../api/place.ts';
import type { PillState } from '../live/pill-state.ts';
import { useLive, usePill } from '../live/use-live.ts';
import { Button, ButtonLink } from '../parts/button.tsx';
import { count } from '../parts/format.ts';
import { Pill } from '../parts/pill.tsx';
import { shellWords, liveWords as words } from '../words/shell.ts';

type Look = { label: string; tone: 'done' | 'live' | 'warn' | 'failed' | 'off'; icon: ReactNode };

const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;
const short = (ms: number): string => (ms < 100 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`);

function lookOf(state: PillState): Look {
  switch (state.kind) {
    case 'live': {
      const label = state.roundTripMs === undefined ? words.live : words.roundTrip(short(state.roundTripMs));
      return { label, tone: 'done', icon: <Circle aria-hidden fill="currentColor" /> };
    }
    case 'catchingUp':
      return { label: words.catchingUp(count(state.behind)), tone: 'live', icon: <CircleDashed aria-hidden /> };
    case 'stale':
      return { label: words.stale(seconds(state.forMs)), tone: 'warn', icon: <Timer aria-hidden /> };
    case 'reconnecting': {
      const label = state.inMs > 0 ? words.reconnecting(seconds(state.inMs)) : words.reconnectingNow;
      return { label, tone: 'warn', icon: <RotateCw aria-hidden /> };
    }
    case 'connecting':
      return { label: words.connecting, tone: 'off', icon: <CircleDashed aria-hidden /> };
    case 'polling':
      return { label: words.polling, tone: 'warn', icon: <RefreshCw aria-hidden /> };
    case 'paused':
      return { label: words.paused, tone: 'off', icon: <Pause aria-hidden /> };
    case 'offline':
      return { label: words.offline, tone: 'failed', icon: <CircleOff aria-hidden /> };
    case 'signedOut':
      return { label: words.signedOut, tone: 'failed', icon: <CircleSlash aria-hidden /> };
    case 'draining':
      return { label: words.draining, tone: 'warn', icon: <TriangleAlert aria-hidden /> };
    default:
      return never(state);
  }
}

function never(state: never): never {
  throw new Error(`invariant broken: the pill cannot say ${JSON.stringify(state)}`);
}

/** What is true of the connection now, in one word with a number, and what can be done about it. */
export function LivePill(): ReactNode {
  const live = useLive();
  const state = usePill();
  const { label, tone, icon } = lookOf(state);
  const waits = state.kind === 'reconnecting' || state.kind === 'stale' || state.kind === 'draining';
  return (
    <div className="row" data-live={state.kind}>
      <NewVersion />
      {state.kind === 'signedOut' ? (
        <ButtonLink href={signInHref()} size="s">
          {shellWords.signIn}
        </ButtonLink>
      ) : null}
      {waits ? (
        <Button size="s" onClick={() => live.retryNow()}>
          {words.retryNow}
        </Button>
      ) : null}
      <Pill tone={tone} icon={icon} label={label} hint={words.says[state.kind]} />
      <Announced kind={state.kind} />
    </div>
  );
}

const quietMs = 10_000;

/** Voices hear of the connection when it changes its kind, and at most once in ten seconds. */
function Announced({ kind }: { kind: PillState['kind'] }): ReactNode {
  const [said, say] = useState('');
  const lastAt = useRef(0);
  const first = useRef(true);
  useEffect(() => {
    // That all is well at the start is no news.
    if (first.current && (kind === 'connecting' || kind === 'live')) {
      first.current = kind === 'connecting';
      return undefined;
    }
    first.current = false;
    const timer = setTimeout(
      () => {
        lastAt.current = performance.now();
        say(`${words.label}: ${words.says[kind]}`);
      },
      Math.max(500, lastAt.current + quietMs - performance.now()),
    );
    return () => clearTimeout(timer);
  }, [kind]);
  return (
    <span role="status" className="visually-hidden">
      {said}
    </span>
  );
}

function NewVersion(): ReactNode {
  const isNew = useNewBuild();
  if (!isNew) return null;
  return (
    <Button size="s" variant="primary" title={shellWords.newVersionReload} onClick={() => location.reload()}>
      {shellWords.newVersion}
    </Button>
  );
}
