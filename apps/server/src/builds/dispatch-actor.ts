import type { ClaimAnswer, Instruction, Job } from '@muster/protocol';
import { asError, exhausted, jitter } from '#kernel/base';
import { type Ability, abilityKey, type DemandFacts, suits } from './ability.ts';
import { type ClaimOutcome, claimBuilds, type Handout } from './claim-build.ts';
import { dispatchLimits as limits } from './dispatch-limits.ts';
import { stopLost } from './instructions.ts';
import { offerAgain } from './offer-again.ts';
import type { Due, ParkWheel } from './park-wheel.ts';
import type { Presence } from './presence.ts';
import { demandFacts, readyDemands } from './queries/claim.ts';
import { readWorkers, type WorkerRow } from './queries/workers.ts';
import { releaseAttempt, releaseAttempts } from './release-attempt.ts';
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

/** One parked request. Small on purpose: thousands of them wait for hours. */
type Entry = {
  readonly workerId: string;
  readonly free: number;
  /** Counts up with every entry: the lower, the longer it waits. */
  readonly born: number;
  ability: Group;
  readonly mute: boolean;
  readonly answer: (answer: ClaimAnswer) => void;
  due: Due | undefined;
  link: Disposable | undefined;
  off: (() => void) | undefined;
};

/** Parked requests of equal workers. */
type Group = {
  readonly of: Ability;
  readonly key: string;
  /** Longest waiting first. */
  readonly parked: Set<Entry>;
  /** Their workers had no free seat when they were last looked at. */
  readonly full: Set<Entry>;
  running: boolean;
  next: PromiseWithResolvers<Round> | undefined;
};

const nothing: ClaimAnswer = { job: null, nextPollMs: 0 };

/** How a look ended. `proof`: nothing is left for anybody of this ability, whomever a build avoids. */
type Round = { dry: boolean; proof: boolean };

/**
 * Keeps parked workers and hands them builds. For each ability at most one claim is in flight on this node, so a wake for
 * two thousand workers is one statement; what arrives meanwhile is one more look after it.
 *
 *  open     – parks and claims.
 *  stopping – everybody is sent home with `nextPollMs`; new calls too. Leases stay. Never left.
 */
export class Dispatch {
  readonly #room: Room;
  readonly #wheel: ParkWheel;
  readonly #presence: Presence;
  readonly #groups = new Map<string, Group>();
  readonly #byWorker = new Map<string, Set<Entry>>();
  readonly #facts = new Map<number, DemandFacts>();
  /** Demands being chased; `true`: look once more. */
  readonly #chases = new Map<number, { again: boolean }>();
  /** Builds given out by this node a moment ago: their answers may still be on their way. */
  readonly #handouts = new Map<string, number>();
  readonly #claimQueue: (() => void)[] = [];
  #claimsInFlight = 0;
  #parked = 0;
  #births = 0;
  #stopping = false;

  constructor(room: Room, wheel: ParkWheel, presence: Presence) {
    this.#room = room;
    this.#wheel = wheel;
    this.#presence = presence;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  get parked(): number {
    return this.#parked;
  }

  /**
   * Waits for a build for this worker, at most `waitMs`. Before it waits: a build it was given and does not know of is
   * given again (lost answer), one it should have and has lost is released, and what it must be told is told. Errors:
   * `exhausted` `too_many_parked`; `unavailable` `store_down` when the first look failed and there is no time to wait.
   */
  async park(worker: WorkerRow, input: ParkInput): Promise<ClaimAnswer> {
    const { held, waitMs, signal, mute = false } = input;
    if (this.#stopping) return this.comeBack();
    if (this.#parked >= this.#room.config.parkedMax) {
      throw exhausted('too_many_parked', `This node already holds ${this.#room.config.parkedMax} waiting workers.`, {
        retryAfterMs: jitter(3_000, 0.66, this.#room.random),
      });
    }
    const { job, recheckMs, stale } = await this.#reconcile(worker, held, waitMs > 0);
    if (job) return { job };
    const told = mute ? undefined : this.#newsFor(worker, stale);
    if (told) return told;
    if (signal?.aborted) return { job: null, nextPollMs: 0 };
    const answer = await this.#wait(worker, input, Math.min(waitMs, recheckMs ?? waitMs));
    const left = waitMs - (recheckMs ?? waitMs);
    if (answer.job || answer.instructions || left <= 0 || this.#stopping || signal?.aborted) return answer;
    // The build that was on its way has had its time: it is either known to the worker by now, or offered again.
    const [again] = await readWorkers(this.#room.db, [worker.id]);
    return again ? await this.park(again, { ...input, waitMs: left }) : { job: null, nextPollMs: limits.drainedPollMs };
  }

  /** Builds of this demand may be eligible: look on behalf of parked workers that suit, until nothing is left. */
  wake(demand: { projectId: string; sig: number }): void {
    if (this.#parked === 0 || this.#stopping) return;
    const chase = this.#chases.get(demand.sig);
    if (chase) {
      chase.again = true;
      return;
    }
    this.#chases.set(demand.sig, { again: false });
    void this.#chase(demand.sig);
  }

  /** A seat of this worker is free: its parked calls take part again. */
  seatFreed(workerId: string): void {
    for (const entry of this.#byWorker.get(workerId) ?? []) {
      if (entry.free === 0 || !entry.ability.full.delete(entry)) continue;
      entry.ability.parked.add(entry);
      this.#look(entry.ability);
    }
  }

  /** The row of this worker may have changed (labels, admission, seats): its parked calls follow it. */
  refresh(workerId: string): void {
    if (!this.#byWorker.has(workerId)) return;
    readWorkers(this.#room.db, [workerId]).then(
      ([worker]) => {
        for (const entry of [...(this.#byWorker.get(workerId) ?? [])]) this.#setEntryAside(entry, worker, new Set());
        this.seatFreed(workerId);
      },
      (error: unknown) => this.#warn(error, 'a changed worker could not be read; its next call will'),
    );
  }

  /** The worker left: its parked calls come back with nothing. */
  dismiss(workerId: string): void {
    for (const entry of [...(this.#byWorker.get(workerId) ?? [])])
      this.#finish(entry, { job: null, nextPollMs: limits.drainedPollMs });
  }

  /** After lost hints, and from time to time: which demands have eligible builds, and who could take them. */
  async sweep(): Promise<void> {
    if (this.#parked === 0 || this.#stopping) return;
    const projects = new Set([...this.#groups.values()].map((group) => group.of.projectId));
    const ready = await readyDemands(this.#room.db, [...projects]);
    for (const facts of ready) this.#remember(facts);
    for (const group of [...this.#groups.values()]) {
      if (!ready.some((demand) => suits(group.of, demand))) continue;
      this.#room.metrics.wakes.add({ via: 'sweep' });
      for (const entry of [...group.full]) {
        if (entry.free > 0 && group.full.delete(entry)) group.parked.add(entry);
      }
      this.#look(group);
    }
  }

  /** The job never reached its worker: in line again at once, and the attempt does not count. */
  async lost(job: Pick<Job, 'build'>): Promise<void> {
    const { id, term } = job.build;
    this.#handouts.delete(id);
    this.#room.metrics.claims.add({ result: 'lost_answer' });
    try {
      await this.#room.db.transaction(
        (tx) => releaseAttempt(this.#room, tx, { buildId: id, term, cause: { kind: 'lostAnswer' } }),
        { retries: 3 },
      );
    } catch (error) {
      this.#warn(error, 'a job that reached nobody could not be released; its lease will end');
    }
  }

  /** Sends everybody home; builds that are held stay held. */
  stop(): void {
    this.#stopping = true;
    for (const entries of [...this.#byWorker.values()])
      for (const entry of [...entries]) this.#finish(entry, this.comeBack());
  }

  /** Nothing now; come back in a moment, not all at once. */
  comeBack(): ClaimAnswer {
    return { job: null, nextPollMs: jitter(3_000, 0.66, this.#room.random) };
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

  /** Compares what the worker says it holds with the rows. */
  async #reconcile(
    worker: WorkerRow,
    held: ParkInput['held'],
    mayWait: boolean,
  ): Promise<{ job?: Job; recheckMs?: number; stale: Instruction[] }> {
    const isListed = (build: { buildId: string; term: number }): boolean =>
      held?.some(({ buildId, term }) => buildId === build.buildId && term === build.term) ?? false;
    const stale = (held ?? [])
      .filter((said) => !worker.held.some(({ buildId, term }) => buildId === said.buildId && term === said.term))
      .map(stopLost);
    const unlisted = worker.held.filter((build) => !isListed(build));
    const onItsWay = unlisted.map(({ buildId }) => this.#onItsWayMs(buildId)).find((ms) => ms > 0);
    if (onItsWay !== undefined && mayWait) return { recheckMs: onItsWay, stale };
    const lost = held === null ? [] : unlisted.filter(({ state }) => state !== 'assigned');
    if (lost.length > 0) {
      await this.#room.db.transaction((tx) => releaseAttempts(this.#room, tx, lost, { kind: 'workerLost' }), {
        retries: 3,
      });
      worker.held = worker.held.filter((build) => !lost.includes(build));
    }
    for (const build of unlisted) {
      if (build.state !== 'assigned' || (held === null && build.heard)) continue;
      const job = await offerAgain(this.#room, worker.id, build);
      if (!job) continue;
      this.#room.metrics.claims.add({ result: 'again' });
      this.#noteHandout(job);
      return { job, stale };
    }
    return { stale };
  }

  async #wait(worker: WorkerRow, { free, signal, mute = false }: ParkInput, waitMs: number): Promise<ClaimAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ClaimAnswer>();
    const group = this.#groupOf(worker);
    const entry: Entry = {
      workerId: worker.id,
      free,
      mute,
      born: this.#births++,
      ability: group,
      answer: resolve,
      due: undefined,
      link: undefined,
      off: undefined,
    };
    const takesPart = free > 0 && worker.admission === 'open';
    (takesPart ? group.parked : group.full).add(entry);
    const mine = this.#byWorker.get(worker.id);
    if (mine) mine.add(entry);
    else this.#byWorker.set(worker.id, new Set([entry]));
    this.#parked += 1;
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
      if (takesPart) this.#look(group);
    } else if (!takesPart) this.#finish(entry, nothing);
    else {
      // No time to wait: one look that began after this call came has to end first.
      this.#kick(group).then(
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

  /** Takes the entry out of everything and answers it; `false` when it was answered already. */
  #finish(entry: Entry, answer: ClaimAnswer): boolean {
    const mine = this.#byWorker.get(entry.workerId);
    if (!mine?.delete(entry)) return false;
    if (mine.size === 0) this.#byWorker.delete(entry.workerId);
    entry.ability.parked.delete(entry);
    entry.ability.full.delete(entry);
    this.#forgetEmpty(entry.ability);
    if (entry.due) this.#wheel.remove(entry.due);
    entry.link?.[Symbol.dispose]();
    entry.off?.();
    this.#parked -= 1;
    entry.answer(answer);
    return true;
  }

  async #chase(sig: number): Promise<void> {
    try {
      for (;;) {
        const chase = this.#chases.get(sig);
        if (chase) chase.again = false;
        const facts = await this.#factsOf(sig);
        if (facts) await this.#lookFor(facts);
        if (!this.#chases.get(sig)?.again) return;
      }
    } catch (error) {
      this.#warn(error, 'parked workers could not be woken; the sweep will');
    } finally {
      this.#chases.delete(sig);
    }
  }

  /** One ability after the other, longest waiting first, until one proves that nothing is left. */
  async #lookFor(facts: DemandFacts): Promise<void> {
    let dry = 0;
    const tried = new Set<Group>();
    while (dry < 2) {
      const group = this.#longestWaiting((group) => !tried.has(group) && suits(group.of, facts));
      if (!group) return;
      tried.add(group);
      const round = await this.#kick(group);
      // One worker alone may come back empty because the build avoids that very worker; two cannot.
      if (round.dry) dry += round.proof ? 2 : 1;
    }
  }

  #longestWaiting(want: (group: Group) => boolean): Group | undefined {
    let found: Group | undefined;
    let born = Number.POSITIVE_INFINITY;
    for (const group of this.#groups.values()) {
      const [first] = group.parked;
      if (!first || first.born >= born || !want(group)) continue;
      found = group;
      born = first.born;
    }
    return found;
  }

  #look(group: Group): void {
    this.#kick(group).catch((error: unknown) => this.#warn(error, 'a claim failed; the sweep will look again'));
  }

  /** A look that begins after this call; shared with whoever asks until it begins. */
  #kick(group: Group): Promise<Round> {
    if (group.running) {
      group.next ??= Promise.withResolvers<Round>();
      return group.next.promise;
    }
    group.running = true;
    return this.#run(group);
  }

  async #run(group: Group): Promise<Round> {
    try {
      return await this.#round(group);
    } finally {
      const { next } = group;
      group.next = undefined;
      if (next) this.#run(group).then(next.resolve, next.reject);
      else {
        group.running = false;
        this.#forgetEmpty(group);
      }
    }
  }

  async #round(group: Group): Promise<Round> {
    const retried = new Set<string>();
    for (let contended = 0; ; ) {
      const workerIds = this.#nextWorkers(group);
      if (workerIds.length === 0 || this.#stopping) return { dry: false, proof: false };
      const { asked, taken, ready, contended: again } = await this.#claim(group.of, workerIds);
      for (const handout of taken) this.#handOut(handout);
      const full = asked.filter((workerId) => !ready.includes(workerId));
      if (full.length > 0) await this.#setAside(group, full, retried);
      if (taken.length === ready.length) continue;
      if (!again || ++contended > limits.contendedRetriesMax) return { dry: true, proof: ready.length > 1 };
      await this.#room.clock.sleep(jitter(limits.contendedWaitMs, 0.5, this.#room.random));
    }
  }

  /** At most a batch of different workers, longest waiting first. */
  #nextWorkers(group: Group): string[] {
    const workerIds = new Set<string>();
    for (const entry of group.parked) {
      workerIds.add(entry.workerId);
      if (workerIds.size === limits.claimBatchMax) break;
    }
    return [...workerIds];
  }

  async #claim(ability: Ability, workerIds: readonly string[]): Promise<ClaimOutcome> {
    if (this.#claimsInFlight >= limits.claimsInFlightMax)
      await new Promise<void>((resolve) => this.#claimQueue.push(resolve));
    this.#claimsInFlight += 1;
    try {
      return await claimBuilds(this.#room, ability, workerIds);
    } finally {
      this.#claimsInFlight -= 1;
      this.#claimQueue.shift()?.();
    }
  }

  #handOut({ workerId, job, submittedAt }: Handout): void {
    this.#noteHandout(job);
    for (const entry of this.#byWorker.get(workerId) ?? []) {
      if (entry.free === 0 || !this.#finish(entry, { job })) continue;
      this.#room.metrics.assign.observe({}, Math.max(0, this.#room.clock.now() - submittedAt.getTime()) / 1_000);
      return;
    }
    void this.lost(job);
  }

  /** Workers that could not take anything: found out why, and dealt with so that others come to the front. */
  async #setAside(group: Group, workerIds: readonly string[], retried: Set<string>): Promise<void> {
    const rows = new Map((await readWorkers(this.#room.db, workerIds)).map((row) => [row.id, row]));
    for (const workerId of workerIds) {
      const worker = rows.get(workerId);
      if (worker?.state === 'offline') await this.#presence.arrived(worker);
      for (const entry of [...(this.#byWorker.get(workerId) ?? [])]) {
        if (entry.ability === group) this.#setEntryAside(entry, worker, retried);
      }
      retried.add(workerId);
    }
  }

  #setEntryAside(entry: Entry, worker: WorkerRow | undefined, retried: ReadonlySet<string>): void {
    if (!worker) this.#finish(entry, { job: null, nextPollMs: limits.drainedPollMs });
    else if (worker.admission === 'draining' && !entry.mute) {
      this.#finish(entry, this.#told(worker.id, this.#presence.news(worker).all, limits.drainedPollMs));
    } else if (abilityKey(worker) !== entry.ability.key) {
      const old = entry.ability;
      old.parked.delete(entry);
      old.full.delete(entry);
      entry.ability = this.#groupOf(worker);
      entry.ability.parked.add(entry);
      this.#forgetEmpty(old);
      this.#look(entry.ability);
    } else if (worker.held.length >= worker.seats || worker.admission === 'draining' || retried.has(worker.id)) {
      // One whose seat was freed since the claim stays in front, once; it must not keep a look going for ever.
      if (entry.ability.parked.delete(entry)) entry.ability.full.add(entry);
    }
  }

  #groupOf({ projectId, platforms, labels }: Ability): Group {
    const of: Ability = { projectId, platforms, labels };
    const key = abilityKey(of);
    let group = this.#groups.get(key);
    if (!group) {
      group = { of, key, parked: new Set(), full: new Set(), running: false, next: undefined };
      this.#groups.set(key, group);
    }
    return group;
  }

  #forgetEmpty(group: Group): void {
    if (group.parked.size + group.full.size === 0 && !group.running && this.#groups.get(group.key) === group)
      this.#groups.delete(group.key);
  }

  async #factsOf(sig: number): Promise<DemandFacts | undefined> {
    const known = this.#facts.get(sig);
    if (known) return known;
    const facts = await demandFacts(this.#room.db, sig);
    if (facts) this.#remember(facts);
    return facts;
  }

  #remember(facts: DemandFacts): void {
    this.#facts.set(facts.sig, facts);
    if (this.#facts.size <= limits.demandFactsMax) return;
    const [oldest] = this.#facts.keys();
    if (oldest !== undefined) this.#facts.delete(oldest);
  }

  #noteHandout(job: Job): void {
    const buildId = job.build.id;
    this.#handouts.set(buildId, this.#room.clock.monotonic());
    this.#wheel.add(limits.handoutGraceMs, () => {
      if (this.#onItsWayMs(buildId) === 0) this.#handouts.delete(buildId);
    });
  }

  #onItsWayMs(buildId: string): number {
    const at = this.#handouts.get(buildId);
    return at === undefined ? 0 : Math.max(0, at + limits.handoutGraceMs - this.#room.clock.monotonic());
  }

  #warn(error: unknown, text: string): void {
    this.#room.telemetry.logger.warn({ error: asError(error) }, text);
  }
}
