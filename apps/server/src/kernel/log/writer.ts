import type { Clock, MusterError } from '#kernel/base';
import { absenceOf, unknown } from './absence.ts';
import { checkAppend, checkShape } from './append-checks.ts';
import type { Committer, Effect } from './commit.ts';
import type { LogEvents } from './events.ts';
import { encodeFrame, type FrameInput, type FrameType, frameBytes, frameTypes } from './frame.ts';
import type { Era, StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { Append, Appended } from './log.ts';
import type { ProducerState } from './producers.ts';
import type { Publisher } from './publisher.ts';
import type { Store } from './store.ts';
import { type Placed, Simple, StoredAppend } from './stored-append.ts';

/** After a loss a stream goes on this far behind its last known position, so not even a bare seq is given twice. */
export const eraJump = 2 ** 20;

/** What an accepted loss left behind: streams of older eras may miss acknowledged positions. */
export type EraFloor = { era: number; reason: 'lost' | 'restored' };

const nothing: readonly Uint8Array[] = [];

/**
 * The one writer. Every act is decided in one synchronous step: check against the assigned state, give the position,
 * encode into the open batch, queue. So two acts in one batch see each other, and no lock is needed. Where something must be
 * read first (an absent stream, a producer in rows), it is read and the act starts over.
 */
export class Writer {
  readonly #committer: Committer;
  readonly #heads: Heads;
  readonly #publisher: Publisher;
  readonly #store: Store | undefined;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #full: () => MusterError | undefined;
  readonly #expire: (head: StreamHead) => void;
  readonly #frame: FrameInput;
  #nextStreamNo = 1;
  #lastEra = 0;
  #shards: number;
  #eraFloor: EraFloor | undefined;

  constructor(parts: {
    committer: Committer;
    heads: Heads;
    publisher: Publisher;
    store: Store | undefined;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
    /** Why the disk takes nothing more just now, if so. */
    full: () => MusterError | undefined;
    /** A stream was met whose lifetime is over. */
    expire: (head: StreamHead) => void;
  }) {
    this.#committer = parts.committer;
    this.#heads = parts.heads;
    this.#publisher = parts.publisher;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#full = parts.full;
    this.#expire = parts.expire;
    this.#shards = parts.limits.shards;
    this.#frame = blankFrame();
  }

  /** Where numbering goes on after recovery. */
  startAt(at: { nextStreamNo: number; lastEra: number; shards: number; eraFloor: EraFloor | undefined }): void {
    this.#nextStreamNo = at.nextStreamNo;
    this.#shards = at.shards;
    this.#lastEra = at.lastEra;
    this.#eraFloor = at.eraFloor;
  }

  append(input: Append): Promise<Appended> {
    const head = this.#heads.at(input.key);
    return head === undefined ? this.#appendAbsent(input) : this.#appendTo(head, input);
  }

  async #appendAbsent(input: Append): Promise<Appended> {
    let head: StreamHead | undefined;
    while (!(head = this.#heads.at(input.key)) && (await this.#heads.load(input.key)) === 'present');
    head ??= this.#heads.at(input.key);
    if (!head) throw unknown(input.key);
    return this.#appendTo(head, input);
  }

  #appendTo(head: StreamHead, input: Append): Promise<Appended> {
    if (head.deadline !== Number.POSITIVE_INFINITY && head.deadline <= this.#clock.now()) this.#expire(head);
    if (head.removing) return this.refuse(head, absenceOf(head));
    const refused = checkShape(input, this.#limits) ?? this.#committer.refusal() ?? this.#full();
    if (refused !== undefined) {
      this.#events.appended('refused', 1);
      return Promise.reject(refused);
    }
    const state = input.producer === undefined ? undefined : head.producers?.get(input.producer.id);
    const verdict = checkAppend(head, input, state, this.#limits);
    if (verdict !== 'go') {
      if (verdict === 'load-producer') return this.#appendAfterLoading(head, input);
      if (verdict === 'duplicate' || verdict === 'closed-already') return this.#repeat(head, input, state);
      this.#events.appended('refused', 1);
      return this.refuse(head, verdict);
    }
    if (this.#eraFloor !== undefined && head.era < this.#eraFloor.era) this.#leap(head, this.#eraFloor);
    const { messages, producer } = input;
    const closes = input.close === true;
    const firstSeq = head.lastSeq + 1;
    const ms = this.#clock.now();
    const frame = this.#frame;
    frame.type = messages.length === 0 ? frameTypes.close : frameTypes.append;
    frame.streamNo = head.streamNo;
    frame.firstSeq = firstSeq;
    frame.ms = ms;
    frame.era = head.era;
    frame.messages = messages;
    frame.closes = closes;
    frame.producer = producer;
    frame.producerId = state?.id;
    frame.writerSeq = input.writerSeq;
    frame.note = undefined;
    head.lastSeq += messages.length;
    if (closes) head.closing = true;
    if (head.ttlMs >= 0) head.touch(ms);
    if (input.writerSeq !== undefined) head.writerSeq = input.writerSeq;
    const effect = new StoredAppend(this.#publisher, head, firstSeq, messages, head.closing, producer, ms);
    this.#put(frame, effect);
    head.lastLsn = effect.lsn;
    if (producer !== undefined) {
      const accepting = state ?? this.#newProducer(head, producer);
      accepting.accepted(producer.epoch, producer.seq, firstSeq, head.lastSeq, effect.lsn);
    }
    return effect.answer;
  }

  async #appendAfterLoading(head: StreamHead, input: Append): Promise<Appended> {
    const id = (input.producer as { id: string }).id;
    if (this.#store && !(await this.#store.loadProducer(head, id, this.#heads.flushedTo))) {
      head.producersWith(this.#limits).hasNoRow(id);
    }
    // From the start: the stream may have moved, or left memory, meanwhile.
    return this.append(input);
  }

  #newProducer(head: StreamHead, { id, epoch }: { id: string; epoch: number }): ProducerState {
    return head.producersWith(this.#limits).add(id, epoch, true, this.#heads.flushedTo);
  }

  /** The answer to something that is stored already, or about to be: it waits for the same sync. */
  #repeat(head: StreamHead, input: Append, state: ProducerState | undefined): Promise<Appended> {
    const { producer } = input;
    const known = producer === undefined ? undefined : state?.result(producer.seq);
    const lastSeq = known?.lastSeq ?? head.lastSeq;
    const answer: Appended = {
      outcome: 'duplicate',
      firstSeq: known?.firstSeq ?? lastSeq,
      lastSeq,
      next: head.assignedOffset(lastSeq),
      closed: head.closing,
      ...(state ? { producer: { epoch: state.epoch, seq: state.seq } } : {}),
    };
    this.#events.appended('duplicate', 1);
    return new Promise((resolve, reject) => {
      this.#committer.whenDurable(head.lastLsn, { committed: () => resolve(answer), failed: reject });
    });
  }

  /** A refusal tells about state that may not be durable yet; it is not told before it is. */
  refuse(head: StreamHead, refusal: MusterError): Promise<never> {
    return new Promise((_, reject) => {
      this.#committer.whenDurable(head.lastLsn, { committed: () => reject(refusal), failed: reject });
    });
  }

  /** For a stream that is being created, at a path and with messages whose eras are all below `eraMin`. */
  newStream(eraMin: number): { streamNo: number; shards: number; era: number } {
    const era = this.#newEra(Math.max(eraMin, this.#eraFloor?.era ?? 0));
    return { streamNo: this.#nextStreamNo++, shards: this.#shards, era };
  }

  /**
   * A time in ms, or just behind the last era where many begin at once: no two streams of this log share one. A fork shows
   * those of its source, and they must not be taken for some that its path once had.
   */
  #newEra(min: number): number {
    this.#lastEra = Math.max(this.#clock.now(), this.#lastEra + 1, min);
    return this.#lastEra;
  }

  /** Everything below `first` goes; `bytes` is what that was. */
  async trim(head: StreamHead, first: number, bytes: number): Promise<void> {
    this.checkFull();
    if (head.removing) return;
    head.firstKept = first;
    await this.act(head, frameTypes.trim, {
      firstSeq: first,
      note: JSON.stringify({ bytes }),
      committed: () => {
        head.firstSeq = first;
        head.bytes -= bytes;
        this.#publisher.changed(head);
      },
    });
  }

  /** Says in the log who owns it from here on, and what recovery had to accept. Resolves when synced. */
  takeOver(note: object): Promise<void> {
    const frame = blankFrame();
    frame.type = frameTypes.takeover;
    frame.ms = this.#clock.now();
    frame.note = JSON.stringify(note);
    const effect = new Simple(() => undefined);
    this.#put(frame, effect);
    return effect.answer;
  }

  /** A hole in one stream that recovery found and an operator accepted. The head knows it already; the rows do not. */
  recordLoss(head: StreamHead, entry: Era): void {
    const note = JSON.stringify({ ...entry, known: true });
    this.act(head, frameTypes.gap, { firstSeq: entry.first, era: entry.era, note, committed: () => undefined }).catch(
      () => undefined,
    );
  }

  /** A new era, behind a jump, for a stream that may have lost acknowledged positions. */
  #leap(head: StreamHead, floor: EraFloor): void {
    const entry: Era = {
      era: this.#newEra(Math.max(head.era + 1, floor.era)),
      first: head.lastSeq + 1 + eraJump,
      from: head.lastSeq + 1,
      reason: floor.reason,
    };
    head.era = entry.era;
    head.lastSeq = entry.first - 1;
    const done = this.act(head, frameTypes.gap, {
      firstSeq: entry.first,
      note: JSON.stringify(entry),
      committed: () => {
        head.eras.push(entry);
        head.tail = entry.first - 1;
        this.#publisher.changed(head);
      },
    });
    // The append behind it in the same batch carries the outcome to its caller.
    done.catch(() => undefined);
  }

  /** Everything else about a stream that is a frame. `committed` runs when it is durable; the promise resolves behind it. */
  act(
    head: StreamHead,
    type: FrameType,
    act: {
      firstSeq: number;
      ms?: number;
      era?: number;
      messages?: readonly Uint8Array[];
      closes?: boolean;
      note: string;
      committed: (place: Placed) => void;
    },
  ): Promise<void> {
    const frame = blankFrame();
    frame.type = type;
    frame.streamNo = head.streamNo;
    frame.firstSeq = act.firstSeq;
    frame.ms = act.ms ?? this.#clock.now();
    frame.era = act.era ?? head.era;
    frame.messages = act.messages ?? nothing;
    frame.closes = act.closes ?? false;
    frame.note = act.note;
    const effect = new Simple(act.committed);
    this.#put(frame, effect);
    head.lastLsn = effect.lsn;
    return effect.answer;
  }

  #put(frame: FrameInput, effect: Placed & Effect): void {
    const bytes = frameBytes(frame);
    const batch = this.#committer.batchFor(bytes);
    effect.lsn = batch.nextLsn;
    effect.bytes = bytes;
    effect.batchNo = batch.batchNo;
    const end = encodeFrame(batch.chunk.memory, batch.cursor, bytes, frame, batch.seed);
    if (frame.type === frameTypes.append || frame.type === frameTypes.close) batch.appends += 1;
    this.#committer.added(batch, end, effect);
  }

  /** Why nothing can be written just now, if so. */
  refusal(): MusterError | undefined {
    return this.#committer.refusal() ?? this.#full();
  }

  checkFull(): void {
    const full = this.refusal();
    if (full) throw full;
  }

  /** Resolves when everything that was decided about a stream is durable. */
  durable(head: StreamHead): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#committer.whenDurable(head.lastLsn, { committed: resolve, failed: reject });
    });
  }
}

function blankFrame(): FrameInput {
  return {
    type: frameTypes.append,
    streamNo: 0,
    firstSeq: 0,
    ms: 0,
    era: 0,
    messages: nothing,
    closes: false,
    producer: undefined,
    producerId: undefined,
    writerSeq: undefined,
    note: undefined,
  };
}
