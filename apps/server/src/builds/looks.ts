import { asError, jitter } from '#kernel/base';
import { suits } from './ability.ts';
import { type ClaimOutcome, claimBuilds, type Handout } from './claim-build.ts';
import { dispatchLimits as limits } from './dispatch-limits.ts';
import type { Entry, Group, ParkedCalls } from './parked-calls.ts';
import { type DemandFacts, demandFacts } from './queries/claim.ts';
import type { Room } from './room.ts';

/** A demand whose builds are being handed out. */
type Chase = {
  readonly sig: number;
  /** Workers for whom nothing of it is left. One alone may be the worker that a build avoids; two prove it empty. */
  readonly dry: Set<string>;
};
type Waiter = PromiseWithResolvers<void>;
/** Asked in one round; the group as it was then, because an entry may move. */
type Asked = { readonly entry: Entry; readonly group: Group };

type Hands = {
  /** A build is assigned to a worker that was asked. */
  give(handout: Handout): void;
  /** These were asked and could take nothing: deals with them so that others come to the front. */
  setAside(workerIds: readonly string[], before: ReadonlySet<string>): Promise<void>;
};

const dryProof = 2;

/**
 * Who of the parked workers is asked for a build, and when: whoever parked or has a free seat again, and whoever suits a
 * demand that woke. One round asks for a batch of them, longest waiting first, whatever their abilities; what is wanted
 * meanwhile is for the next round. So a wake for two thousand workers is one look, and so are a dozen wakes at once.
 *
 *  idle – nothing is wanted.  ·  busy – a burst of rounds runs, until nothing is wanted any more.
 */
export class Looks {
  readonly #room: Room;
  readonly #calls: ParkedCalls;
  readonly #hands: Hands;
  readonly #facts = new Map<number, DemandFacts>();
  #groups = new Map<Group, Waiter[]>();
  readonly #chases = new Map<number, Chase>();
  #busy = false;

  constructor(room: Room, calls: ParkedCalls, hands: Hands) {
    this.#room = room;
    this.#calls = calls;
    this.#hands = hands;
  }

  /** Somebody of this group may take a build. */
  want(group: Group, waiters: readonly Waiter[] = []): void {
    this.#groups.set(group, [...(this.#groups.get(group) ?? []), ...waiters]);
    this.#begin();
  }

  /** The same; resolves when a look that began after this call ended. Errors: those of `claimBuilds`. */
  async wanted(group: Group): Promise<void> {
    const waiter: Waiter = Promise.withResolvers();
    this.want(group, [waiter]);
    await waiter.promise;
  }

  /** Builds of this demand may be eligible. */
  wake(sig: number): void {
    this.#chases.set(sig, { sig, dry: new Set() });
    this.#begin();
  }

  /** What a demand asks for never changes. */
  remember(facts: DemandFacts): void {
    this.#facts.set(facts.sig, facts);
    if (this.#facts.size <= limits.demandFactsMax) return;
    const [oldest] = this.#facts.keys();
    if (oldest !== undefined) this.#facts.delete(oldest);
  }

  #begin(): void {
    if (this.#busy) return;
    this.#busy = true;
    // A moment later: calls that come in together are asked for together.
    queueMicrotask(() => void this.#burst());
  }

  /** Never rejects. */
  async #burst(): Promise<void> {
    const idleBefore = new Set<string>();
    let contended = 0;
    while (this.#groups.size + this.#chases.size > 0) {
      const groups = this.#groups;
      this.#groups = new Map();
      const chases = [...this.#chases.values()];
      try {
        const outcome = await this.#round(groups, chases, idleBefore);
        contended = outcome?.again && outcome.taken.length === 0 ? contended + 1 : 0;
        if (contended > limits.contendedRetriesMax) this.#giveUp();
        else if (contended > 0) await this.#room.clock.sleep(jitter(limits.contendedWaitMs, 0.5, this.#room.random));
      } catch (error) {
        this.#fail(groups, chases, asError(error));
      }
    }
    this.#busy = false;
  }

  async #round(
    groups: ReadonlyMap<Group, Waiter[]>,
    chases: readonly Chase[],
    idleBefore: Set<string>,
  ): Promise<ClaimOutcome | undefined> {
    const asked = this.#next(groups, await this.#known(chases));
    const ids = asked.map(({ entry }) => entry.workerId);
    const outcome = ids.length > 0 ? await claimBuilds(this.#room, ids) : undefined;
    for (const handout of outcome?.taken ?? []) this.#hands.give(handout);
    const idle = ids.filter((id) => !outcome?.ready.includes(id));
    if (idle.length > 0) await this.#hands.setAside(idle, idleBefore);
    for (const id of idle) idleBefore.add(id);
    for (const chase of chases) this.#note(chase, asked, outcome?.dry ?? []);
    for (const [group, waiters] of groups) {
      if (goesOn(group, asked, outcome)) this.want(group, waiters);
      else for (const waiter of waiters) waiter.resolve();
    }
    return outcome;
  }

  /** A batch of different workers, longest waiting first: of wanted groups, and of those that suit a woken demand. */
  #next(groups: ReadonlyMap<Group, unknown>, demands: readonly { chase: Chase; facts: DemandFacts }[]): Asked[] {
    const asked: Asked[] = [];
    const alive = new Set<Chase>();
    for (const group of this.#calls.groups) {
      const mine = demands.filter(({ facts }) => suits(group.of, facts)).map(({ chase }) => chase);
      if (mine.length === 0 && !groups.has(group)) continue;
      let count = 0;
      for (const entry of group.parked) {
        const open = mine.filter((chase) => !chase.dry.has(entry.workerId));
        for (const chase of open) alive.add(chase);
        if (open.length === 0 && !groups.has(group)) continue;
        asked.push({ entry, group });
        if (++count === limits.claimBatchMax) break;
      }
    }
    for (const { chase } of demands) if (!alive.has(chase)) this.#end(chase);
    const byWorker = new Map<string, Asked>();
    for (const each of asked.toSorted((a, b) => a.entry.born - b.entry.born)) {
      if (!byWorker.has(each.entry.workerId)) byWorker.set(each.entry.workerId, each);
      if (byWorker.size === limits.claimBatchMax) break;
    }
    return [...byWorker.values()];
  }

  async #known(chases: readonly Chase[]): Promise<{ chase: Chase; facts: DemandFacts }[]> {
    const known: { chase: Chase; facts: DemandFacts }[] = [];
    for (const chase of chases) {
      let facts = this.#facts.get(chase.sig);
      if (!facts) {
        facts = await demandFacts(this.#room.db, chase.sig);
        if (facts) this.remember(facts);
      }
      if (facts) known.push({ chase, facts });
      else this.#end(chase);
    }
    return known;
  }

  #note(chase: Chase, asked: readonly Asked[], dry: readonly string[]): void {
    const facts = this.#facts.get(chase.sig);
    for (const { entry, group } of asked)
      if (facts && dry.includes(entry.workerId) && suits(group.of, facts)) chase.dry.add(entry.workerId);
    if (chase.dry.size >= dryProof) this.#end(chase);
  }

  /** Unless it woke again meanwhile: that is another chase. */
  #end(chase: Chase): void {
    if (this.#chases.get(chase.sig) === chase) this.#chases.delete(chase.sig);
  }

  /** Others hold what was seen, and keep holding it; the sweep looks again. */
  #giveUp(): void {
    for (const waiters of this.#groups.values()) for (const waiter of waiters) waiter.resolve();
    this.#groups.clear();
    this.#chases.clear();
  }

  #fail(groups: ReadonlyMap<Group, Waiter[]>, chases: readonly Chase[], error: Error): void {
    this.#room.telemetry.logger.warn({ error }, 'a look for builds failed; the sweep will look again');
    for (const waiters of groups.values()) for (const waiter of waiters) waiter.reject(error);
    for (const chase of chases) this.#end(chase);
  }
}

/** Whether a wanted group has to be looked at once more. */
function goesOn(group: Group, asked: readonly Asked[], outcome: ClaimOutcome | undefined): boolean {
  if (!outcome) return false;
  const mine = asked.filter((each) => each.group === group).map(({ entry }) => entry.workerId);
  const served = (id: string): boolean => outcome.taken.some(({ workerId }) => workerId === id);
  const unclear = mine.some((id) => outcome.ready.includes(id) && !outcome.dry.includes(id) && !served(id));
  if (unclear) return true;
  return !mine.some((id) => outcome.dry.includes(id)) && group.parked.size > 0;
}
