import { type Connection, StreamSocket } from '@muster/client';
import { MusterError } from '@muster/protocol/errors';
import { notifyManager, type QueryClient } from '@tanstack/react-query';
import { noteBuild, signedOut } from '../api/news.ts';
import { type Signal, signal } from '../api/signal.ts';
import { Follow, type Taker } from './follow.ts';
import { NextFrame } from './frames.ts';
import { type LineFacts, type PillState, pillOf } from './pill-state.ts';
import { ServerClock } from './server-clock.ts';

const pingMs = 5000;
const silentMs = 20_000;
/** A tab that nobody looks at for so long lets go of its connection. */
const hiddenPauseMs = 5 * 60_000;
/** How often a page that has to poll tries whether sockets get through by now. */
const socketRetryMs = 60_000;
/** What nobody takes from is let go a moment later: the next page may want it. */
const lingerMs = 1000;
const joinedWithinMs = 200;

const atFirst: LineFacts = {
  line: 'connecting',
  heardAt: undefined,
  roundTripMs: undefined,
  retryAt: undefined,
  behind: 0,
  paused: false,
  offline: false,
  signedOut: false,
  draining: false,
};

/*
 * Everything that moves comes through here: one socket for all streams of the page, in one project. What breaks is read again
 * from where it was; the pill tells the truth about it; what is on screen is read once more after a break.
 */
export class Live {
  readonly clock: ServerClock = new ServerClock();
  readonly pill: Signal<PillState> = signal<PillState>({ kind: 'connecting' });
  readonly #connection: Connection;
  readonly #queries: QueryClient;
  readonly #socket: StreamSocket;
  readonly #follows = new Map<string, Follow>();
  readonly #frame = new NextFrame(() => this.#handOut());
  readonly #joined = new Map<string, number>();
  #facts: LineFacts = atFirst;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #refreshing: ReturnType<typeof setTimeout> | undefined;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #pollingSince: number | undefined;
  #ending: (() => void)[] = [];
  #private = 0;

  constructor(connection: Connection, queries: QueryClient) {
    this.#connection = connection;
    this.#queries = queries;
    this.#socket = new StreamSocket(connection, {
      pingMs,
      silentMs,
      opened: (ready) => {
        noteBuild(typeof ready['build'] === 'string' ? ready['build'] : undefined);
        this.#know({ line: 'open', heardAt: performance.now(), draining: false, retryAt: undefined });
        this.#hurry();
      },
      heard: (pong) => {
        if (pong) this.clock.take(pong.roundTripMs, pong.serverAt);
        const roundTripMs = pong?.roundTripMs ?? this.#facts.roundTripMs;
        // Only a pong changes what is shown; frames may come by the hundred.
        this.#facts = { ...this.#facts, heardAt: performance.now(), roundTripMs };
        if (pong) this.#show();
      },
      draining: () => this.#know({ draining: true }),
      closed: (why) => {
        this.#know({ line: 'down', roundTripMs: undefined });
        if (why instanceof MusterError && why.code === 'unauthenticated') signedOut.set(true);
      },
    });
  }

  start(): void {
    if (this.#ticking !== undefined) return;
    this.#ticking = setInterval(() => this.#tick(), 1000);
    const on = (target: EventTarget, type: string, heard: () => void): void => {
      target.addEventListener(type, heard);
      this.#ending.push(() => target.removeEventListener(type, heard));
    };
    on(document, 'visibilitychange', () => this.#seen());
    on(window, 'offline', () => this.#know({ offline: true }));
    on(window, 'online', () => {
      this.#know({ offline: false });
      this.retryNow();
    });
    this.#ending.push(signedOut.subscribe(() => this.#signedOut()));
    this.#know({ offline: !navigator.onLine });
    for (const follow of this.#follows.values()) this.#run(follow);
  }

  stop(): void {
    clearInterval(this.#ticking);
    clearTimeout(this.#refreshing);
    clearTimeout(this.#hiding);
    this.#ticking = undefined;
    this.#frame[Symbol.dispose]();
    for (const end of this.#ending.splice(0)) end();
    for (const follow of this.#follows.values()) follow.rest();
  }

  /**
   * Takes from a stream what comes from now on, shared with everybody who does; or, `from` an offset, alone. Ends with what is
   * returned.
   */
  follow<T>(path: string, taker: Taker<T>, from?: string): () => void {
    const name = from === undefined ? path : `${path} ${++this.#private}`;
    const follow = this.#follows.get(name) ?? this.#add(name, path, from ?? 'now');
    // A stream holds one kind of record; who follows it says which.
    const own = taker as Taker;
    follow.takers.add(own);
    return () => {
      follow.takers.delete(own);
      if (from === undefined) setTimeout(() => this.#letGo(name, follow), lingerMs);
      else this.#letGo(name, follow);
    };
  }

  #add(name: string, path: string, from: string): Follow {
    const follow = new Follow(path, from, {
      arrived: () => this.#frame.ask(),
      joined: (joined) => this.#refreshLater(joined.path),
      changed: () => this.#look(),
      refused: (failed, error) => this.#refused(failed, error),
    });
    this.#follows.set(name, follow);
    if (this.#ticking !== undefined) this.#run(follow);
    return follow;
  }

  #run(follow: Follow): void {
    const { paused, signedOut: nobody } = this.#facts;
    if (!paused && !nobody) follow.run(this.#connection, this.#socket);
  }

  #letGo(name: string, follow: Follow): void {
    if (follow.takers.size > 0 || this.#follows.get(name) !== follow) return;
    follow.rest();
    this.#follows.delete(name);
    this.#look();
  }

  #refused(follow: Follow, error: unknown): void {
    if (error instanceof MusterError && error.code === 'unauthenticated') return signedOut.set(true);
    const said = error instanceof Error ? error : new Error(String(error));
    for (const taker of follow.takers) taker.failed?.(said);
    this.#look();
  }

  /** One got through, so the others need not wait their time. */
  #hurry(): void {
    for (const follow of this.#follows.values()) {
      if (follow.phase !== 'waiting') continue;
      follow.rest();
      this.#run(follow);
    }
  }

  /** Tries at once what waits. */
  retryNow(): void {
    const { paused, signedOut: nobody } = this.#facts;
    if (paused || nobody) return;
    for (const follow of this.#follows.values()) {
      if (follow.phase === 'live' && this.#facts.line === 'open') continue;
      follow.rest();
      this.#run(follow);
    }
    this.#look();
  }

  #handOut(): void {
    notifyManager.batch(() => {
      for (const follow of this.#follows.values()) follow.handOut();
    });
    this.#look();
  }

  /** What a stream keeps fresh was not fresh until it was joined; a page that was read since is. */
  #refreshLater(path: string): void {
    this.#joined.set(path, Date.now());
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined;
      const joined = new Map(this.#joined);
      this.#joined.clear();
      void this.#queries.invalidateQueries({
        predicate: ({ meta, state }) =>
          meta?.liveBy?.some((stream) => state.dataUpdatedAt < (joined.get(stream) ?? 0)) === true,
      });
    }, joinedWithinMs);
  }

  /** How the follows stand, for the pill. */
  #look(): void {
    const all = [...this.#follows.values()].filter(({ phase }) => phase !== 'failed' && phase !== 'resting');
    // One that is not there yet is behind by something, whatever that is.
    const behind = all.reduce((sum, { phase, behind }) => sum + (phase === 'live' ? behind : Math.max(1, behind)), 0);
    const tries = all.flatMap(({ retryAt }) => (retryAt === undefined ? [] : [retryAt]));
    const polls = all.some(({ phase, mode }) => phase === 'live' && mode !== 'socket');
    const { line } = this.#facts;
    this.#pollingSince = polls ? (this.#pollingSince ?? performance.now()) : undefined;
    const waits = tries.length > 0 && line !== 'open';
    this.#know({
      behind,
      retryAt: tries.length > 0 ? Math.min(...tries) : undefined,
      line: polls ? 'polling' : waits ? 'down' : line === 'polling' ? 'connecting' : line,
    });
  }

  #tick(): void {
    if (this.#pollingSince !== undefined && performance.now() - this.#pollingSince > socketRetryMs) {
      this.#pollingSince = undefined;
      for (const follow of this.#follows.values()) {
        follow.rest();
        this.#run(follow);
      }
    }
    this.#show();
  }

  #seen(): void {
    if (document.hidden) {
      this.#hiding ??= setTimeout(() => this.#pause(), hiddenPauseMs);
      return;
    }
    clearTimeout(this.#hiding);
    this.#hiding = undefined;
    if (this.#facts.paused) this.#resume();
  }

  #pause(): void {
    this.#hiding = undefined;
    this.#know({ paused: true });
    for (const follow of this.#follows.values()) follow.rest();
  }

  #resume(): void {
    this.#know({ paused: false, line: 'connecting' });
    for (const follow of this.#follows.values()) this.#run(follow);
    void this.#queries.invalidateQueries();
  }

  #signedOut(): void {
    const nobody = signedOut.get();
    this.#know({ signedOut: nobody });
    for (const follow of this.#follows.values()) {
      if (nobody) follow.rest();
      else this.#run(follow);
    }
  }

  #know(facts: Partial<LineFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#show();
  }

  #show(): void {
    const next = pillOf(this.#facts, performance.now());
    if (!isSame(next, this.pill.get())) this.pill.set(next);
  }
}

/** To what a person can tell apart: seconds, and round trips to the millisecond. */
function isSame(a: PillState, b: PillState): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'live' && b.kind === 'live') return rounded(a.roundTripMs) === rounded(b.roundTripMs);
  if (a.kind === 'stale' && b.kind === 'stale') return seconds(a.forMs) === seconds(b.forMs);
  if (a.kind === 'reconnecting' && b.kind === 'reconnecting') return seconds(a.inMs) === seconds(b.inMs);
  if (a.kind === 'catchingUp' && b.kind === 'catchingUp') return a.behind === b.behind;
  return true;
}

const rounded = (ms: number | undefined): number => Math.round(ms ?? -1);
const seconds = (ms: number): number => Math.ceil(ms / 1000);
