import { z } from 'zod';
import type { Clock } from '#kernel/base';
import type { Bus } from '#kernel/bus';

/** Something of a project's gallery is not as it was. */
export type Change =
  | { what: 'item' | 'counts' | 'gone'; projectId: string; itemId: string }
  | { what: 'comment'; projectId: string; itemId: string; commentId: string }
  /** Faults, settings, accounts or everything. */
  | { what: 'rules'; projectId: string }
  | { what: 'all'; projectId: string };

/** `clock`: one that goes on meanwhile. */
export type Hurried = { now: () => boolean; clock: Clock };

const hurriedMs = 1_000;
const topic = 'gallery.sandbox';
const hint = z.object({
  n: z.string(),
  w: z.enum(['item', 'counts', 'gone', 'comment', 'rules', 'all']),
  p: z.string(),
  i: z.string().optional(),
  c: z.string().optional(),
});

/*
 * What changed, told at once here and by a hint on other nodes. The revision of a project goes up with every change, so
 * whatever was kept in memory for an older one is not used again. Decides nothing: rows do.
 */
export class Changes implements Disposable {
  readonly #bus: Bus;
  readonly #node: string;
  readonly #heard: Disposable;
  readonly #listeners = new Map<(change: Change) => void, (() => void) | undefined>();
  readonly #revisions = new Map<string, number>();
  readonly #rules = new Map<string, number>();
  /** Goes up when hints may have been lost: then nothing in memory is sure. */
  #lost = 0;

  /** While a day is lived in seconds: other nodes hear once in a while that things changed. */
  readonly #hurried: Hurried | undefined;
  readonly #untold = new Set<string>();
  #telling: Disposable | undefined;

  constructor(bus: Bus, node: string, hurried?: Hurried) {
    this.#bus = bus;
    this.#node = node;
    this.#hurried = hurried;
    this.#heard = bus.subscribe(
      topic,
      (payload) => this.#hear(payload),
      () => this.#lose(),
    );
  }

  revision(projectId: string): string {
    return `${this.#lost}.${this.#revisions.get(projectId) ?? 0}`;
  }

  /** As `revision`, for faults, settings and accounts alone. */
  rulesRevision(projectId: string): string {
    return `${this.#lost}.${this.#rules.get(projectId) ?? 0}`;
  }

  /** After the commit. */
  tell(change: Change): void {
    this.#note(change);
    if (this.#hurried?.now() === true) {
      this.#untold.add(change.projectId);
      this.#telling ??= this.#hurried.clock.after(hurriedMs, () => this.#tellRest());
    } else this.#publish(change);
  }

  #tellRest(): void {
    this.#telling = undefined;
    for (const projectId of this.#untold) this.#publish({ what: 'all', projectId });
    this.#untold.clear();
  }

  #publish(change: Change): void {
    const { what: w, projectId: p } = change;
    const i = 'itemId' in change ? change.itemId : undefined;
    const c = 'commentId' in change ? change.commentId : undefined;
    this.#bus.publish(topic, JSON.stringify({ n: this.#node, w, p, i, c }));
  }

  /** `lost`: any number of changes may not have been heard. */
  listen(heard: (change: Change) => void, lost?: () => void): Disposable {
    this.#listeners.set(heard, lost);
    return { [Symbol.dispose]: () => void this.#listeners.delete(heard) };
  }

  #hear(payload: string): void {
    const { n, w, p, i = '', c = '' } = hint.parse(JSON.parse(payload));
    if (n === this.#node) return;
    if (w === 'rules' || w === 'all') this.#note({ what: w, projectId: p });
    else if (w === 'comment') this.#note({ what: w, projectId: p, itemId: i, commentId: c });
    else this.#note({ what: w, projectId: p, itemId: i });
  }

  #lose(): void {
    this.#lost++;
    for (const lost of this.#listeners.values()) lost?.();
  }

  #note(change: Change): void {
    this.#revisions.set(change.projectId, (this.#revisions.get(change.projectId) ?? 0) + 1);
    if (change.what === 'rules' || change.what === 'all')
      this.#rules.set(change.projectId, (this.#rules.get(change.projectId) ?? 0) + 1);
    for (const heard of this.#listeners.keys()) heard(change);
  }

  [Symbol.dispose](): void {
    this.#telling?.[Symbol.dispose]();
    this.#heard[Symbol.dispose]();
  }
}
