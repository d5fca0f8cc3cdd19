import type { ClaimAnswer, Instruction, Job } from '@muster/protocol';
import { asError, exhausted, jitter } from '#kernel/base';
import { abilityKey, suits } from './ability.ts';
import type { Handout } from './claim-build.ts';
import { dispatchLimits as limits } from './dispatch-limits.ts';
import { Handouts } from './handouts.ts';
import { Looks } from './looks.ts';
import type { ParkWheel } from './park-wheel.ts';
import { type Entry, ParkedCalls } from './parked-calls.ts';
import type { Presence } from './presence.ts';
import { readyDemands } from './queries/claim.ts';
import { readWorkers, type WorkerRow } from './queries/workers.ts';
import { reconcileHeld } from './reconcile-held.ts';
import { releaseAttempt } from './release-attempt.ts';
import type { Room } from './room.ts';

export type ParkInput = {
  /** What the worker says it holds; `null` when it cannot say (an event stream). */
  held: readonly { buildId: string; term: number }[] | null;
  /** Builds it would take. 0: only instructions. */
  free: number;
  waitMs: number;
  /** Aborted when nobody reads the answer any more. */
  signal?: AbortSignal;
  /** A link of the caller's own tells instructions; the park is for builds alone and goes on while the worker drains. */
  mute?: boolean;
};

const nothing: ClaimAnswer = { job: null, nextPollMs: 0 };

/**
 * Keeps parked workers and hands them builds. `Looks` asks for them; here is who waits, who is answered, and with what.
 *
 *  open     – parks and claims.
 *  stopping – everybody is sent home with `nextPollMs`; new calls too. Leases stay. Never left.
 */
export class Dispatch {
  readonly #room: Room;
  readonly #wheel: ParkWheel;
  readonly #presence: Presence;
  readonly #calls: ParkedCalls;
  readonly #handouts: Handouts;
  readonly #looks: Looks;
  #stopping = false;

  constructor(room: Room, wheel: ParkWheel, presence: Presence) {
    this.#room = room;
    this.#wheel = wheel;
    this.#presence = presence;
    this.#calls = new ParkedCalls(wheel);
    this.#handouts = new Handouts(room.clock, wheel);
    this.#looks = new Looks(room, this.#calls, {
      give: (handout) => this.#handOut(handout),
      setAside: (workerIds, before) => this.#setAside(workerIds, before),
    });
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get parked(): number {
    return this.#calls.size;
  }

  /**
   * Waits for a build for this worker, at most `waitMs`. Before it waits: a build it was given and does not know of is
   * given again (lost answer), one it should have and has lost is released, and what it must be told is told. Errors:
   * `exhausted` `too_many_parked`; `unavailable` `store_down` when the first look failed and there is no time to wait.
   */
  async park(worker: WorkerRow, input: ParkInput): Promise<ClaimAnswer> {
    const { held, waitMs, signal, mute = false } = input;
    const gone = (): boolean => signal?.aborted === true;
    if (this.#stopping) return this.comeBack();
    const { parkedMax } = this.#room.config;
    if (this.#calls.size >= parkedMax) {
      throw exhausted('too_many_parked', `This node already holds ${parkedMax} waiting workers.`, {
        retryAfterMs: jitter(3_000, 0.66, this.#room.random),
      });
    }
    const { job, recheckMs, stale } = await reconcileHeld(this.#room, this.#handouts, worker, held, waitMs > 0);
    if (job) return { job };
    const told = mute ? undefined : this.#newsFor(worker, stale);
    if (told) return told;
    if (gone()) return nothing;
    const answer = await this.#wait(worker, input, Math.min(waitMs, recheckMs ?? waitMs));
    const left = waitMs - (recheckMs ?? waitMs);
    if (answer.job || answer.instructions || left <= 0 || this.stopping || gone()) return answer;
    // The build that was on its way has had its time: it is either known to the worker by now, or offered again.
    const [again] = await readWorkers(this.#room.db, [worker.id]);
    return again ? await this.park(again, { ...input, waitMs: left }) : { job: null, nextPollMs: limits.drainedPollMs };
  }

  /** Nothing now; come back in a moment, not all at once. */
  comeBack(): ClaimAnswer {
    return { job: null, nextPollMs: jitter(3_000, 0.66, this.#room.random) };
  }

  /** Builds of this demand may be eligible: look on behalf of parked workers that suit, until nothing is left. */
  wake(demand: { projectId: string; sig: number }): void {
    if (this.parked > 0 && !this.#stopping) this.#looks.wake(demand.sig);
  }

  /** A seat of this worker is free: its parked calls take part again. */
  seatFreed(workerId: string): void {
    for (const entry of this.#calls.of(workerId)) if (this.#calls.callBack(entry)) this.#looks.want(entry.group);
  }

  /** The row of this worker may have changed (labels, admission, seats): its parked calls follow it. */
  async refresh(workerId: string): Promise<void> {
    if (!this.#calls.has(workerId)) return;
    try {
      const [worker] = await readWorkers(this.#room.db, [workerId]);
      for (const entry of this.#calls.of(workerId)) this.#setEntryAside(entry, worker, new Set());
      this.seatFreed(workerId);
    } catch (error) {
      this.#warn(error, 'a changed worker could not be read; its next call will');
    }
  }

  /** The worker left: its parked calls come back with nothing. */
  dismiss(workerId: string): void {
    for (const entry of this.#calls.of(workerId)) this.#finish(entry, { job: null, nextPollMs: limits.drainedPollMs });
  }

  /** After lost hints, and from time to time: which demands have eligible builds, and who could take them. */
  async sweep(): Promise<void> {
    if (this.parked === 0 || this.#stopping) return;
    const projects = new Set<string>();
    for (const group of this.#calls.groups) projects.add(group.of.projectId);
    const ready = await readyDemands(this.#room.db, [...projects]);
    for (const facts of ready) this.#looks.remember(facts);
    for (const group of this.#calls.groups) {
      if (!ready.some((demand) => suits(group.of, demand))) continue;
      this.#room.metrics.wakes.add({ via: 'sweep' });
      for (const entry of group.full) this.#calls.callBack(entry);
      this.#looks.want(group);
    }
  }

  /** The job never reached its worker: in line again at once, and the attempt does not count. */
  async lost(job: Pick<Job, 'build'>): Promise<void> {
    const { id: buildId, term } = job.build;
    this.#handouts.forget(buildId);
    this.#room.metrics.claims.add({ result: 'lost_answer' });
    const cause = { kind: 'lostAnswer' } as const;
    try {
      await this.#room.db.transaction((tx) => releaseAttempt(this.#room, tx, { buildId, term, cause }), { retries: 3 });
    } catch (error) {
      this.#warn(error, 'a job that reached nobody could not be released; its lease will end');
    }
  }

  /** Sends everybody home; builds that are held stay held. */
  stop(): void {
    this.#stopping = true;
    this.#calls.finishAll(() => this.comeBack());
  }

  /** What has to be said before this worker may wait, if anything. */
  #newsFor(worker: WorkerRow, stale: Instruction[]): ClaimAnswer | undefined {
    const { all, fresh } = this.#presence.news(worker);
    const instructions = [...all, ...stale];
    if (worker.admission === 'draining')
      return this.#told(worker.id, instructions, jitter(limits.drainedPollMs, 0.2, this.#room.random));
    return fresh || this.#presence.isFresh(worker.id, stale) ? this.#told(worker.id, instructions, 0) : undefined;
  }

  #told(workerId: string, instructions: Instruction[], nextPollMs: number): ClaimAnswer {
    this.#presence.told(workerId, instructions);
    return { job: null, nextPollMs, instructions };
  }

  async #wait(
    worker: WorkerRow,
    { free, signal, mute = false }: Pick<ParkInput, 'free' | 'signal' | 'mute'>,
    waitMs: number,
  ): Promise<ClaimAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ClaimAnswer>();
    const takesPart = free > 0 && worker.admission === 'open';
    const entry = this.#calls.add(worker, { workerId: worker.id, free, mute, answer: resolve }, takesPart);
    if (signal) {
      const onGone = (): void => void this.#finish(entry, nothing);
      signal.addEventListener('abort', onGone, { once: true });
      entry.off = () => signal.removeEventListener('abort', onGone);
    }
    if (!mute)
      entry.link = this.#presence.attach(worker.id, {
        kind: 'claim',
        tell: (news, alone) => this.#tell(entry, news, alone),
      });
    if (waitMs > 0) {
      entry.due = this.#wheel.add(waitMs, () => this.#finish(entry, nothing));
      if (takesPart) this.#looks.want(entry.group);
    } else if (!takesPart) this.#finish(entry, nothing);
    else {
      // No time to wait: one look that began after this call came has to end first.
      this.#looks.wanted(entry.group).then(
        () => this.#finish(entry, nothing),
        (error: unknown) => {
          reject(asError(error));
          this.#finish(entry, nothing);
        },
      );
    }
    return await promise;
  }

  /** A parked claim carries a drain always, a cancel only when the worker has no other ear. */
  #tell(entry: Entry, news: readonly Instruction[], alone: boolean): boolean {
    if (!alone && !news.some(({ kind }) => kind === 'drain')) return false;
    return this.#finish(entry, { job: null, nextPollMs: 0, instructions: [...news] });
  }

  #finish(entry: Entry, answer: ClaimAnswer): boolean {
    return this.#calls.finish(entry, answer);
  }

  #handOut({ workerId, job, submittedAt }: Handout): void {
    this.#handouts.note(job.build.id);
    for (const entry of this.#calls.of(workerId)) {
      if (entry.free === 0 || !this.#finish(entry, { job })) continue;
      this.#room.metrics.assign.observe({}, Math.max(0, this.#room.clock.now() - submittedAt.getTime()) / 1_000);
      return;
    }
    void this.lost(job);
  }

  /** Workers that could not take anything: found out why, and dealt with so that others come to the front. */
  async #setAside(workerIds: readonly string[], before: ReadonlySet<string>): Promise<void> {
    const rows = new Map((await readWorkers(this.#room.db, workerIds)).map((row) => [row.id, row]));
    for (const workerId of workerIds) {
      const worker = rows.get(workerId);
      if (worker?.state === 'offline') await this.#presence.arrived(worker);
      for (const entry of this.#calls.of(workerId)) this.#setEntryAside(entry, worker, before);
    }
  }

  #setEntryAside(entry: Entry, worker: WorkerRow | undefined, before: ReadonlySet<string>): void {
    if (!worker) this.#finish(entry, { job: null, nextPollMs: limits.drainedPollMs });
    else if (worker.admission === 'draining' && !entry.mute) {
      this.#finish(entry, this.#told(worker.id, this.#presence.news(worker).all, limits.drainedPollMs));
    } else if (abilityKey(worker) !== entry.group.key) {
      this.#calls.move(entry, worker);
      this.#looks.want(entry.group);
    } else if (worker.held.length >= worker.seats || worker.admission === 'draining' || before.has(worker.id)) {
      // One whose seat was freed since the claim stays in front, once; it must not keep a look going for ever.
      this.#calls.setAside(entry);
    }
  }

  #warn(error: unknown, text: string): void {
    this.#room.telemetry.logger.warn({ error: asError(error) }, text);
  }
}
