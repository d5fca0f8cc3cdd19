import { createContext, type ReactNode, use, useSyncExternalStore } from 'react';
import { clockTime, exact, isoOf, msOf, relative } from './format.ts';
import { tip } from './tips.ts';

/** The server's time, as well as the shell knows it. */
export type Clock = { now(): number };
export const ClockContext = createContext<Clock>({ now: () => Date.now() });
/** `local`, `utc`, or the name of a zone. */
export const ZoneContext = createContext<string>('local');

export const useZone = (): string => use(ZoneContext);
export const useClock = (): Clock => use(ClockContext);

/** One timer for all that tick at the same pace. */
class Ticker {
  #count = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #everyMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  readonly count = (): number => this.#count;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => {
      this.#count += 1;
      for (const each of this.#listeners) each();
    }, this.#everyMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };
}

const tickers = new Map<number, Ticker>();
function tickerOf(everyMs: number): Ticker {
  let ticker = tickers.get(everyMs);
  if (!ticker) tickers.set(everyMs, (ticker = new Ticker(everyMs)));
  return ticker;
}

/** The server's time in milliseconds, read anew every `everyMs`. */
export function useNow(everyMs = 1_000): number {
  const ticker = tickerOf(everyMs);
  useSyncExternalStore(ticker.subscribe, ticker.count);
  return useClock().now();
}

export type TimeProps = {
  at: string | number | null | undefined;
  show?: 'relative' | 'exact' | 'clock';
  className?: string;
};

/** A moment: how long ago, with the exact time in the reader's zone, in UTC and as ISO text on hover. */
export function Time({ at, show = 'relative', className = '' }: TimeProps): ReactNode {
  const ms = msOf(at);
  if (ms === null) return <span className="text-soft">–</span>;
  return show === 'relative' ? (
    <Relative ms={ms} className={className} />
  ) : (
    <Fixed ms={ms} show={show} className={className} />
  );
}

function Relative({ ms, className }: { ms: number; className: string }): ReactNode {
  const zone = useZone();
  const now = useNow(1_000);
  return (
    <time dateTime={isoOf(ms)} className={`num ${className}`} {...tip(tellAll(ms, zone))}>
      {relative(ms, now)}
    </time>
  );
}

function Fixed({ ms, show, className }: { ms: number; show: 'exact' | 'clock'; className: string }): ReactNode {
  const zone = useZone();
  return (
    <time dateTime={isoOf(ms)} className={`num ${className}`} {...tip(tellAll(ms, zone))}>
      {show === 'exact' ? exact(ms, zone) : clockTime(ms, zone)}
    </time>
  );
}

const tellAll = (ms: number, zone: string): string =>
  zone === 'utc' ? `${exact(ms, 'utc')}\n${isoOf(ms)}` : `${exact(ms, zone)}\n${exact(ms, 'utc')}\n${isoOf(ms)}`;
