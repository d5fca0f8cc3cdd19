import { asError, type Clock } from '#kernel/base';
import { absenceOf, unknown } from './absence.ts';
import type { LogEvents } from './events.ts';
import { frameTypes } from './frame.ts';
import type { Cause, StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import { forklessKept } from './life-queries.ts';
import type { StreamKey } from './log.ts';
import type { Removed } from './notes.ts';
import type { Publisher } from './publisher.ts';
import type { Store } from './store.ts';
import type { Writer } from './writer.ts';

/** Kept streams looked at in one sweep. */
const sweepMax = 1000;

/**
 * Ends streams. One without forks is gone with its `remove` frame; one with forks is hidden by it, its path stays taken and
 * what they inherit stays readable to them, and a second frame follows when the last of them is gone, up the chain.
 */
export class Removal {
  readonly #writer: Writer;
  readonly #heads: Heads;
  readonly #publisher: Publisher;
  readonly #store: Store | undefined;
  readonly #clock: Clock;
  readonly #events: LogEvents;
  readonly #expectedMs: number;
  /** Releases that are being written. */
  readonly #releasing = new Set<Promise<void>>();
  /** Streams whose end is due and could not be written yet. */
  readonly #unfinished = new Set<StreamHead>();

  constructor(parts: {
    writer: Writer;
    heads: Heads;
    publisher: Publisher;
    store: Store | undefined;
    clock: Clock;
    events: LogEvents;
    /** How long a ref waits for its fork. */
    expectedMs: number;
  }) {
    this.#writer = parts.writer;
    this.#heads = parts.heads;
    this.#publisher = parts.publisher;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#events = parts.events;
    this.#expectedMs = parts.expectedMs;
  }

  async remove(key: StreamKey, cause: Cause): Promise<'gone' | 'kept-for-forks'> {
    let head: StreamHead | undefined;
    while (!(head = this.#heads.at(key)) && (await this.#heads.load(key)) === 'present');
    head ??= this.#heads.at(key);
    if (!head) throw unknown(key);
    this.expireIfDue(head);
    if (head.removing) return this.#writer.refuse(head, absenceOf(head));
    this.#writer.checkFull();
    return this.#end(head, cause);
  }

  /** Whoever meets a stream whose time is over ends it. */
  expireIfDue(head: StreamHead): void {
    if (head.deadline <= this.#clock.now()) this.expire(head);
  }

  /** Ends a stream whose lifetime is over. It is gone for everyone from here on, whenever the frame can be written. */
  expire(head: StreamHead): void {
    if (head.removing) return;
    head.deadline = Number.NEGATIVE_INFINITY;
    if (this.#writer.refusal()) this.#unfinished.add(head);
    else this.#end(head, 'expired').catch(() => undefined);
  }

  async #end(head: StreamHead, cause: Cause): Promise<'gone' | 'kept-for-forks'> {
    const kept = head.forks > 0;
    const note: Removed = kept ? { cause, kept } : { cause };
    head.removing = true;
    head.ending = cause;
    head.keeping = kept;
    await this.#writer.act(head, frameTypes.remove, {
      firstSeq: head.lastSeq + 1,
      note: JSON.stringify(note),
      committed: () => {
        if (kept) this.#heads.hide(head, cause);
        else this.#gone(head, cause);
        this.#publisher.changed(head);
        // Its last fork may have gone while this was being written.
        this.#finish(head);
      },
    });
    return kept ? 'kept-for-forks' : 'gone';
  }

  #gone(head: StreamHead, cause: Cause): void {
    this.#heads.gone(head, cause);
    if (!head.fork) return;
    const source = this.#heads.byNo(head.fork.of);
    if (source) this.#finish(source);
    else this.#release(head.fork.of);
  }

  #release(streamNo: number): void {
    this.#finishAbsent(streamNo).catch((error: unknown) =>
      this.#events.backgroundFailed('releasing what was kept for a fork', asError(error)),
    );
  }

  async #finishAbsent(streamNo: number): Promise<void> {
    const source = await this.#heads.loadNo(streamNo);
    if (source) this.#finish(source);
  }

  /**
   * What an end cut short between the removal of a fork and the release of its source, after recovery: sources in memory are
   * released before anybody asks for them, up the whole chain, the others soon.
   */
  async resume(): Promise<void> {
    for (const head of Array.from(this.#heads.all())) this.#finish(head);
    // One that is written may be the last fork of the next.
    while (this.#releasing.size > 0) await Promise.all(this.#releasing);
    for (const { removed, fork } of Array.from(this.#heads.all()))
      if (removed && fork && !this.#heads.byNo(fork.of)) this.#release(fork.of);
  }

  /** A kept stream without forks goes for good. */
  #finish(head: StreamHead): void {
    const cause = head.kept;
    if (cause === undefined || head.forks > 0 || head.finishing || head.removed) return;
    if (this.#writer.refusal()) {
      this.#unfinished.add(head);
      return;
    }
    head.finishing = true;
    const note: Removed = { cause };
    const releasing: Promise<void> = this.#writer
      .act(head, frameTypes.remove, {
        firstSeq: head.lastSeq + 1,
        note: JSON.stringify(note),
        committed: () => {
          this.#gone(head, cause);
          this.#publisher.changed(head);
        },
      })
      .catch(() => undefined)
      .then(() => void this.#releasing.delete(releasing));
    this.#releasing.add(releasing);
  }

  /** What nothing else would come back to: refs whose fork never came, ends that could not be written, forks lost sight of. */
  async sweep(): Promise<void> {
    const overdue = this.#clock.now() - this.#expectedMs;
    for (const [of, forks] of Array.from(this.#heads.expectedForks)) {
      for (const [streamNo, since] of Array.from(forks)) {
        if (since > overdue || this.#heads.byNo(streamNo)) continue;
        this.#heads.forgetExpected(of, streamNo);
        const source = this.#heads.byNo(of);
        source?.refs?.delete(streamNo);
        if (source) this.#finish(source);
      }
    }
    for (const head of Array.from(this.#unfinished)) {
      if (this.#writer.refusal()) return;
      this.#unfinished.delete(head);
      // A kept one may have left memory; its row tells of it below.
      if (this.#heads.byNo(head.streamNo) !== head) continue;
      if (head.kept) this.#finish(head);
      else this.expire(head);
    }
    if (!this.#store) return;
    for (const { stream_no } of await forklessKept(this.#store.db, sweepMax)) {
      const head = await this.#heads.loadNo(stream_no);
      if (!head?.kept) continue;
      // Rows that know of the end know of every fork before it, and a kept stream gets no new ones.
      head.refs = undefined;
      this.#finish(head);
    }
  }
}
