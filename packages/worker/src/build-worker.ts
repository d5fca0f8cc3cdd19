import type { Claim, Instruction, Job } from '@muster/protocol';
import type { WorkerApi } from './api.ts';
import { type AttemptEnd, reportAttempt, runAttempt } from './attempt.ts';
import type { RunBuild } from './build-context.ts';
import { after } from './clock.ts';
import { Connection, type ConnectionEnd } from './connection.ts';
import { lockDir } from './dir-lock.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { Lease } from './lease-messages.ts';
import { recover } from './recover.ts';
import { StopOrder } from './stop-order.ts';
import { Wake } from './wake.ts';
import type { Log } from './worker-log.ts';

export type BuildWorkerOptions = {
  api: WorkerApi;
  dir: string;
  seats: number;
  run: RunBuild;
  log: Log;
  /** Leave after one build. */
  once?: boolean | undefined;
  /** Leave when there was nothing to do for so long. */
  idleExitMs?: number | undefined;
  stopMsMax?: number | undefined;
  transport?: 'auto' | 'poll' | undefined;
  socketRetryMs?: number | undefined;
};
/** `refused`: the token is not good; `replaced`: another process works with the same token; `broken`: see the log. */
export type WorkerEnd = { kind: 'left' | 'refused' | 'replaced' | 'broken'; detail: string };

type Held = Lease & { stop: AbortController };
const abandonGraceMs = 5_000;
const endedMax = 256;

/*
 * The worker as a whole.
 *  new      – nothing is open
 *  working  – connected; takes as many builds as it has seats and the server gives it
 *  leaving  – connected; takes nothing new and closes after its last build
 *  closed   – unregistered, folder unlocked; reached once, from every other state
 */
export class BuildWorker {
  /** Resolves when the worker is closed. */
  readonly closed: Promise<WorkerEnd>;
  readonly #options: BuildWorkerOptions;
  readonly #held = new Map<string, Held>();
  readonly #attempts = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #connection: Connection;
  /** The last attempts that ended here. */
  readonly #ended = new Set<string>();
  readonly #confirming = new Set<string>();
  #keeper: LeaseKeeper | undefined;
  /** Told so by the server; only for the log. */
  #drained = false;
  #leaving: WorkerEnd | undefined;
  #idle: Disposable | undefined;
  #close!: (end: WorkerEnd) => void;

  constructor(options: BuildWorkerOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    this.#connection = new Connection({
      api: options.api,
      ready: () => this.#ready(),
      changed: new Wake(),
      onJob: (job) => this.#take(job),
      onInstruction: (instruction) => this.#instructed(instruction),
      onSocket: (open) => this.#keeper?.park(!open),
      log: options.log,
      transport: options.transport,
      socketRetryMs: options.socketRetryMs,
    });
  }

  /** Locks the folder, clears up after an earlier life and begins to take work. Throws when the folder is in use. */
  async start(): Promise<void> {
    const { api, dir, log } = this.#options;
    const lock = await lockDir(dir);
    try {
      this.#keeper = new LeaseKeeper({ url: api.http.base, token: api.token }, log, {
        onLost: (lease, reason) =>
          this.#held.get(keyOf(lease))?.stop.abort(new StopOrder('lost', `the lease is lost: ${reason}`)),
        onInstruction: (instruction) => this.#instructed(instruction),
        onRefused: (detail) => this.#leave({ kind: 'refused', detail }),
        onBroken: (error) => this.#broken(error),
      });
      for (const { state, folder } of await recover(dir, api, log)) {
        const lease = { buildId: state.buildId, term: state.term };
        this.#hold(lease, state.heartbeatEveryMs, (stop) => reportAttempt({ api, log }, state, folder, stop));
      }
    } catch (error) {
      await this.#keeper?.[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
      throw error;
    }
    this.#restartIdle();
    void this.#live(lock);
  }

  /** Takes nothing new and leaves after the last build. Builds that run are not touched. */
  drain(reason: string): void {
    this.#leave({ kind: 'left', detail: reason });
  }

  /** Gives every held build back, so that it is queued again at once, and leaves. */
  abandon(reason: string): void {
    this.#leave({ kind: 'left', detail: reason });
    for (const { stop } of this.#held.values())
      stop.abort(new StopOrder('abandon', reason, { graceMs: abandonGraceMs }));
  }

  get held(): readonly Lease[] {
    return [...this.#held.values()].map(({ buildId, term }) => ({ buildId, term }));
  }

  async #live(lock: AsyncDisposable): Promise<void> {
    const { api, log } = this.#options;
    let connected: ConnectionEnd;
    try {
      connected = await this.#connection.run(this.#stop.signal);
    } catch (error) {
      this.#broken(error instanceof Error ? error : new Error(String(error)));
      connected = { kind: 'closed', detail: 'broken' };
    }
    // The server ended it: what is held goes on to its end, but nobody else can be asked for more.
    if (connected.kind !== 'closed') this.#leave({ kind: connected.kind, detail: connected.detail });
    while (this.#attempts.size > 0) await Promise.all(this.#attempts);
    this.#idle?.[Symbol.dispose]();
    const end = this.#leaving ?? { kind: 'left', detail: connected.detail };
    // Before the goodbye: any later call would count as being there again.
    await this.#keeper?.[Symbol.asyncDispose]();
    if (end.kind === 'left') {
      await api.unregister().catch((error: unknown) => log.warn('could not say goodbye to the server', { error }));
    }
    await lock[Symbol.asyncDispose]();
    log.info(`left: ${end.detail}`);
    this.#close(end);
  }

  #ready(): Claim {
    // Drained by the server it still asks: the rows there decide, so a lost "resume" costs nothing.
    const free = this.#leaving ? 0 : Math.max(0, this.#options.seats - this.#held.size);
    return { held: [...this.held], free };
  }

  #take(job: Job): void {
    const lease = { buildId: job.build.id, term: job.build.term };
    // The server offers an assigned build again until it is listed as held.
    if (this.#held.has(keyOf(lease))) return;
    for (const held of this.#held.values()) {
      if (held.buildId === lease.buildId)
        held.stop.abort(new StopOrder('lost', `the build is at term ${lease.term} now`));
    }
    // Over already here: it must not run a second time under the same term, whatever the server believes.
    if (this.#leaving || this.#ended.has(keyOf(lease))) return this.#giveBack(job);
    this.#drained = false;
    const { api, dir, run, log, stopMsMax } = this.#options;
    log.info('took a build', { build: lease.buildId, term: lease.term });
    if (this.#options.once) this.#leave({ kind: 'left', detail: 'done with the one build of --once' });
    const note = this.#noting(lease);
    this.#hold(lease, job.lease.heartbeatEveryMs, (stop) =>
      runAttempt({ api, dir, run, log, note, stopMsMax }, job, stop),
    );
  }

  #noting(lease: Lease): Parameters<typeof runAttempt>[0]['note'] {
    return (note, soon) => this.#keeper?.note(lease, note, soon);
  }

  #hold(lease: Lease, heartbeatEveryMs: number, attempt: (stop: AbortController) => Promise<AttemptEnd>): void {
    const stop = new AbortController();
    this.#held.set(keyOf(lease), { ...lease, stop });
    this.#keeper?.hold(lease, heartbeatEveryMs);
    const done = this.#lived(lease, attempt(stop)).finally(() => this.#attempts.delete(done));
    this.#attempts.add(done);
    this.#idle?.[Symbol.dispose]();
    this.#connection.changed();
  }

  async #lived(lease: Lease, attempt: Promise<AttemptEnd>): Promise<void> {
    const { log } = this.#options;
    try {
      log.info(`build ${await attempt}`, { build: lease.buildId, term: lease.term });
    } catch (error) {
      log.error('an attempt broke', { build: lease.buildId, error });
      await this.#options.api
        .attempt(lease.buildId, lease.term, '')
        .abandon(String(error), AbortSignal.timeout(5_000))
        .catch(() => undefined);
    }
    this.#keeper?.drop(lease);
    this.#held.delete(keyOf(lease));
    this.#remember(keyOf(lease));
    this.#restartIdle();
    this.#connection.changed();
    this.#closeIfDone();
  }

  #remember(key: string): void {
    this.#ended.add(key);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= endedMax) break;
      this.#ended.delete(oldest);
    }
  }

  /** A job that crossed our leaving on the way, or one that is over. */
  #giveBack({ build, token }: Job): void {
    const { api, log } = this.#options;
    void api
      .attempt(build.id, build.term, token)
      .abandon('the worker takes no more of it', AbortSignal.timeout(5_000))
      .catch((error: unknown) => log.warn('a build could not be given back', { build: build.id, error }))
      .finally(() => this.#connection.changed());
  }

  #instructed(instruction: Instruction): void {
    if (instruction.kind === 'cancel') return this.#cancel(instruction);
    const drained = instruction.kind === 'drain';
    if (this.#drained !== drained) this.#options.log.info(drained ? 'drained by the server' : 'resumed by the server');
    this.#drained = drained;
    if (drained && instruction.exit) this.#leave({ kind: 'left', detail: 'told to leave by the server' });
  }

  #cancel({ buildId, term, reason, graceMs }: Extract<Instruction, { kind: 'cancel' }>): void {
    const held = this.#held.get(keyOf({ buildId, term }));
    if (held) {
      // Of a build that is somebody else's by now the server says "stale_term": there is nothing to confirm.
      const kind = reason === 'stale_term' ? 'lost' : 'cancel';
      return held.stop.abort(
        new StopOrder(kind, kind === 'lost' ? 'the lease is lost' : `cancelled (${reason})`, { graceMs }),
      );
    }
    if (reason === 'stale_term') return;
    // A job whose answer never reached us: there is nothing to stop, and saying so ends the wait for the grace.
    const key = keyOf({ buildId, term });
    if (this.#confirming.has(key)) return;
    this.#confirming.add(key);
    const said = this.#options.api.attempt(buildId, term, '').stopped(AbortSignal.timeout(5_000));
    void said.catch(() => undefined).finally(() => this.#confirming.delete(key));
  }

  #broken(error: Error): void {
    this.#options.log.error('the worker cannot go on', { error });
    this.#leave({ kind: 'broken', detail: error.message });
    for (const { stop } of this.#held.values())
      stop.abort(new StopOrder('abandon', error.message, { graceMs: abandonGraceMs }));
  }

  /** Once it is leaving only a worse reason counts: that one becomes the exit code. */
  #leave(end: WorkerEnd): void {
    if (this.#leaving && (this.#leaving.kind !== 'left' || end.kind === 'left')) return;
    const held = this.#held.size;
    this.#options.log.info(held === 0 ? 'leaving' : 'leaving after the last build', { why: end.detail, held });
    this.#leaving = end;
    this.#connection.changed();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#leaving && this.#held.size === 0) this.#stop.abort();
  }

  #restartIdle(): void {
    this.#idle?.[Symbol.dispose]();
    const { idleExitMs } = this.#options;
    if (idleExitMs === undefined || this.#held.size > 0) return;
    this.#idle = after(idleExitMs, () => this.#leave({ kind: 'left', detail: 'nothing to do' }));
  }
}

const keyOf = ({ buildId, term }: Lease): string => `${buildId}-${term}`;
