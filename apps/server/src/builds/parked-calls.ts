import type { ClaimAnswer } from '@muster/protocol';
import { abilityKey } from './ability.ts';
import type { Due, ParkWheel } from './park-wheel.ts';
import type { Ability } from './queries/claim.ts';

/** One parked request. Small on purpose: thousands of them wait for hours. */
export type Entry = {
  readonly workerId: string;
  readonly free: number;
  /** Counts up with every entry: the lower, the longer it waits. */
  readonly born: number;
  /** Told of nothing but builds; it stays while its worker drains. */
  readonly mute: boolean;
  readonly answer: (answer: ClaimAnswer) => void;
  group: Group;
  due: Due | undefined;
  link: Disposable | undefined;
  off: (() => void) | undefined;
};

/** Parked requests of equal workers. */
export type Group = {
  readonly of: Ability;
  readonly key: string;
  /** Take part in claims, longest waiting first. */
  readonly parked: Set<Entry>;
  /** Their workers could take nothing when they were last looked at: no free seat, draining. */
  readonly full: Set<Entry>;
};

/** The parked requests of this node, by worker and by ability. Keeps order and counts; knows nothing of builds. */
export class ParkedCalls {
  readonly #wheel: ParkWheel;
  readonly #groups = new Map<string, Group>();
  readonly #byWorker = new Map<string, Set<Entry>>();
  #births = 0;
  #size = 0;

  constructor(wheel: ParkWheel) {
    this.#wheel = wheel;
  }

  get size(): number {
    return this.#size;
  }

  get groups(): Iterable<Group> {
    return this.#groups.values();
  }

  has(workerId: string): boolean {
    return this.#byWorker.has(workerId);
  }

  /** Calls of this worker; those that are answered while one looks at them are left out. */
  of(workerId: string): Iterable<Entry> {
    return this.#byWorker.get(workerId) ?? [];
  }

  add(of: Ability, call: Pick<Entry, 'workerId' | 'free' | 'mute' | 'answer'>, takesPart: boolean): Entry {
    const group = this.groupOf(of);
    const entry: Entry = { ...call, born: this.#births++, group, due: undefined, link: undefined, off: undefined };
    (takesPart ? group.parked : group.full).add(entry);
    const mine = this.#byWorker.get(call.workerId);
    if (mine) mine.add(entry);
    else this.#byWorker.set(call.workerId, new Set([entry]));
    this.#size += 1;
    return entry;
  }

  /** Takes the entry out of everything and answers it; `false` when it was answered already. */
  finish(entry: Entry, answer: ClaimAnswer): boolean {
    const mine = this.#byWorker.get(entry.workerId);
    if (!mine?.delete(entry)) return false;
    if (mine.size === 0) this.#byWorker.delete(entry.workerId);
    this.#leave(entry);
    if (entry.due) this.#wheel.remove(entry.due);
    entry.link?.[Symbol.dispose]();
    entry.off?.();
    this.#size -= 1;
    entry.answer(answer);
    return true;
  }

  finishAll(answer: () => ClaimAnswer): void {
    for (const entries of this.#byWorker.values()) for (const entry of entries) this.finish(entry, answer());
  }

  /** No part in claims until it is called back; its place among those that wait is by its age all the same. */
  setAside(entry: Entry): void {
    if (entry.group.parked.delete(entry)) entry.group.full.add(entry);
  }

  callBack(entry: Entry): boolean {
    if (entry.free === 0 || !entry.group.full.delete(entry)) return false;
    entry.group.parked.add(entry);
    return true;
  }

  /** Its worker has another ability by now. */
  move(entry: Entry, to: Ability): void {
    this.#leave(entry);
    entry.group = this.groupOf(to);
    (entry.free > 0 ? entry.group.parked : entry.group.full).add(entry);
  }

  groupOf({ projectId, platforms, labels, kind = 'v1' }: Ability): Group {
    const of: Ability = { projectId, platforms, labels, kind };
    const key = abilityKey(of);
    let group = this.#groups.get(key);
    if (!group) {
      group = { of, key, parked: new Set(), full: new Set() };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** A group without calls goes. */
  #leave(entry: Entry): void {
    const { group } = entry;
    group.parked.delete(entry);
    group.full.delete(entry);
    if (group.parked.size + group.full.size === 0) this.#groups.delete(group.key);
  }
}
