import { asError, type Clock } from '#kernel/base';
import type { LogEvents } from './events.ts';
import type { StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import { expiredStreams, moveDeadlines } from './life-queries.ts';
import type { LogLimits } from './limits.ts';
import type { Removal } from './removal.ts';
import type { Store } from './store.ts';

/** The longest a timer is set for; what lies further away is looked at again then. */
const timerMsMax = 3600_000;
/** Streams ended in one turn of the event loop, and rows looked at in one go. */
const atOnceMax = 500;
/** A use is worth a row when it prolongs a lifetime by this part of it. */
const worthPart = 10;

/*
 * Ends streams whose lifetime is over. Every access looks at the clock by itself; this is for those nobody asks for:
 *
 *   in memory   one timer for the earliest deadline.
 *   in rows     a sweep over those that are over, by index.
 *
 * Uses of a sliding lifetime are not logged. The sweep writes them down, so that their streams may leave memory; what
 * it has not written a restart makes good, by counting from itself.
 */
export class Expiry {
  readonly #heads: Heads;
  readonly #removal: Removal;
  readonly #store: Store | undefined;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  #timer: Disposable | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #sweepTimer: Disposable | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #busy = false;
  #state: 'new' | 'running' | 'ended' = 'new';

  constructor(parts: {
    heads: Heads;
    removal: Removal;
    store: Store | undefined;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
  }) {
    this.#heads = parts.heads;
    this.#removal = parts.removal;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#heads.deadlines.sooner = () => this.#arm();
    this.#heads.crowded = () => this.#makeRoom();
  }

  /** The log is ready: sliding lifetimes count from now at the earliest. */
  start(): void {
    this.#state = 'running';
    if (this.#store) this.#restart(this.#store);
    this.#arm();
    this.#sweepLater();
  }

  #restart(store: Store): void {
    store.livesFrom = this.#clock.now();
    for (const head of this.#heads.deadlines.heads()) {
      head.touch(store.livesFrom);
      head.storedDeadline = head.deadline;
    }
  }

  async end(): Promise<void> {
    this.#state = 'ended';
    this.#timer?.[Symbol.dispose]();
    this.#sweepTimer?.[Symbol.dispose]();
    await this.#sweeping;
  }

  /** A stream is read: whether it is still there to be. */
  use(head: StreamHead): boolean {
    if (head.deadline === Number.POSITIVE_INFINITY) return true;
    this.#removal.expireIfDue(head);
    if (this.isOver(head)) return false;
    head.touch(this.#clock.now());
    return true;
  }

  isOver(head: StreamHead): boolean {
    return head.deadline <= this.#clock.now();
  }

  #arm(): void {
    const due = this.#heads.deadlines.next;
    if (this.#state !== 'running' || due >= this.#timerDue) return;
    this.#timer?.[Symbol.dispose]();
    const waitMs = Math.min(Math.max(0, due - this.#clock.now()), timerMsMax);
    this.#timerDue = due;
    this.#timer = this.#clock.after(waitMs, () => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.#endDue();
      this.#arm();
    });
  }

  #endDue(): void {
    const now = this.#clock.now();
    for (let ended = 0; ended < atOnceMax; ended++) {
      const head = this.#heads.deadlines.take(now);
      if (!head) return;
      this.#removal.expire(head);
    }
  }

  #sweepLater(): void {
    this.#sweepTimer = this.#clock.after(this.#limits.lifeSweepEveryMs, () => this.#run(() => this.#sweep()));
  }

  /** Streams cannot leave memory before their uses are written down: not at the next sweep then, but now. */
  #makeRoom(): void {
    const store = this.#store;
    if (!store || this.#state !== 'running' || this.#busy) return;
    this.#sweepTimer?.[Symbol.dispose]();
    this.#run(() => this.#writeUses(store));
  }

  #run(act: () => Promise<void>): void {
    this.#busy = true;
    this.#sweeping = act()
      .catch((error: unknown) => this.#events.backgroundFailed('the sweep of lifetimes', asError(error)))
      .finally(() => {
        this.#busy = false;
        if (this.#state === 'running') this.#sweepLater();
      });
  }

  async #sweep(): Promise<void> {
    await this.#removal.sweep();
    if (!this.#store) return;
    await this.#writeUses(this.#store);
    await this.#sweepRows(this.#store);
  }

  /** Of streams whose frames have all reached their rows: others stay in memory anyway, and their row may not be there yet. */
  async #writeUses(store: Store): Promise<void> {
    const crowded = this.#heads.size > this.#limits.headsMax * 0.9;
    const due: { head: StreamHead; deadline: number }[] = [];
    for (const head of this.#heads.deadlines.heads()) {
      const gained = head.deadline - head.storedDeadline;
      const worth = gained > 0 && (crowded || gained * worthPart >= head.ttlMs);
      if (worth && head.lastLsn < this.#heads.flushedTo) due.push({ head, deadline: head.deadline });
    }
    for (let i = 0; i < due.length && this.#state === 'running'; i += atOnceMax) {
      const some = due.slice(i, i + atOnceMax);
      const rows = await store.db.transaction((tx) =>
        moveDeadlines(
          tx,
          some.map(({ head }) => head.streamNo),
          some.map(({ deadline }) => new Date(deadline)),
        ),
      );
      const written = new Set(rows.map(({ stream_no }) => stream_no));
      // A configuration that came meanwhile has set another one, and its row will.
      for (const { head, deadline } of some)
        if (written.has(head.streamNo) && head.storedDeadline < deadline) head.storedDeadline = deadline;
    }
  }

  async #sweepRows(store: Store): Promise<void> {
    const now = new Date(this.#clock.now());
    const livesFrom = new Date(store.livesFrom);
    let after = new Date(0);
    let afterNo = 0;
    while (this.#state === 'running') {
      const rows = await expiredStreams(store.db, { now, livesFrom, after, afterNo, limit: atOnceMax });
      for (const row of rows) {
        after = row.expires_at;
        afterNo = row.stream_no;
        // Those in memory have their timer.
        if (this.#heads.byNo(row.stream_no)) continue;
        const head = await this.#heads.loadNo(row.stream_no);
        if (head) this.#removal.expireIfDue(head);
      }
      if (rows.length < atOnceMax) return;
    }
  }
}
