import { type Clock, conflict, type MusterError, notFound } from '#kernel/base';
import { checkAppend, checkShape } from './append-checks.ts';
import type { Committer, Effect } from './commit.ts';
import { checkCreation, checkRetention, totalBytes } from './creation-checks.ts';
import type { LogEvents } from './events.ts';
import { encodeFrame, type FrameInput, type FrameType, frameBytes, frameTypes } from './frame.ts';
import { type Birth, type Era, mediaTypeOf, StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { Append, Appended, CreateStream, Head, Retention, StreamKey } from './log.ts';
import { offsetOf } from './offset.ts';
import type { Publisher } from './publisher.ts';
import { type Homes, shardOf } from './shard.ts';
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
  readonly #homes: Homes;
  readonly #full: () => MusterError | undefined;
  readonly #frame: FrameInput;
  #nextStreamNo = 1;
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
    homes: Homes;
    /** Why the disk takes nothing more just now, if so. */
    full: () => MusterError | undefined;
  }) {
    this.#committer = parts.committer;
    this.#heads = parts.heads;
    this.#publisher = parts.publisher;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#homes = parts.homes;
    this.#full = parts.full;
    this.#shards = parts.limits.shards;
    this.#frame = blankFrame();
  }

  /** Where numbering goes on after recovery. */
  startAt(at: { nextStreamNo: number; shards: number; eraFloor: EraFloor | undefined }): void {
    this.#nextStreamNo = at.nextStreamNo;
    this.#shards = at.shards;
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
    if (head.removing) return this.#refuse(head, unknown(input.key));
    const refused = checkShape(input, this.#limits) ?? this.#committer.refusal() ?? this.#full();
    if (refused !== undefined) {
      this.#events.appended('refused', 1);
      return Promise.reject(refused);
    }
    const verdict = checkAppend(head, input, this.#limits);
    if (verdict !== 'go') {
      if (verdict === 'load-producer') return this.#appendAfterLoading(head, input);
      if (verdict === 'duplicate' || verdict === 'closed-already') return this.#repeat(head, input);
      this.#events.appended('refused', 1);
      return this.#refuse(head, verdict);
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
    frame.writerSeq = input.writerSeq;
    frame.note = undefined;
    head.lastSeq += messages.length;
    if (closes) head.closing = true;
    if (input.writerSeq !== undefined) head.writerSeq = input.writerSeq;
    const effect = new StoredAppend(this.#publisher, head, firstSeq, messages, head.closing, producer, ms);
    this.#put(frame, effect);
    head.lastLsn = effect.lsn;
    if (producer !== undefined) this.#accept(head, producer, firstSeq, effect.lsn);
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

  #accept(head: StreamHead, producer: { id: string; epoch: number; seq: number }, firstSeq: number, lsn: number): void {
    const producers = head.producersWith(this.#limits);
    const state = producers.get(producer.id) ?? producers.add(producer.id, producer.epoch, true, this.#heads.flushedTo);
    state.accepted(producer.epoch, producer.seq, firstSeq, head.lastSeq, lsn);
  }

  /** The answer to something that is stored already, or about to be: it waits for the same sync. */
  #repeat(head: StreamHead, input: Append): Promise<Appended> {
    const { producer } = input;
    const state = producer === undefined ? undefined : head.producers?.get(producer.id);
    const known = producer === undefined ? undefined : state?.result(producer.seq);
    const lastSeq = known?.lastSeq ?? head.lastSeq;
    const answer: Appended = {
      outcome: 'duplicate',
      firstSeq: known?.firstSeq ?? lastSeq,
      lastSeq,
      next: offsetOf(head.era, lastSeq),
      closed: head.closing,
      ...(state ? { producer: { epoch: state.epoch, seq: state.seq } } : {}),
    };
    this.#events.appended('duplicate', 1);
    return new Promise((resolve, reject) => {
      this.#committer.whenDurable(head.lastLsn, { committed: () => resolve(answer), failed: reject });
    });
  }

  /** A refusal tells about state that may not be durable yet; it is not told before it is. */
  #refuse(head: StreamHead, refusal: MusterError): Promise<never> {
    return new Promise((_, reject) => {
      this.#committer.whenDurable(head.lastLsn, { committed: () => reject(refusal), failed: reject });
    });
  }

  async create(input: CreateStream): Promise<{ outcome: 'created' | 'same'; head: Head }> {
    const refused = checkCreation(input, this.#limits);
    if (refused) throw refused;
    let known: StreamHead | undefined;
    while (
      !(known = this.#heads.at(input.key)) &&
      input.fresh !== true &&
      (await this.#heads.load(input.key)) === 'present'
    );
    known ??= this.#heads.at(input.key);
    if (known && !known.removing) return this.#same(known, input);
    const full = this.#committer.refusal() ?? this.#full() ?? this.#heads.makeRoom();
    if (full) throw full;
    const now = this.#clock.now();
    const before = known?.era ?? this.#heads.tombstone(input.key) ?? 0;
    const era = Math.max(now, before + 1, this.#eraFloor?.era ?? 0);
    const { projectId, path } = input.key;
    const birth: Birth = {
      streamNo: this.#nextStreamNo++,
      key: { projectId, path },
      shard: shardOf(projectId, path, this.#shards, this.#homes),
      contentType: input.contentType,
      eras: [{ era, first: 1 }],
      createdAt: now,
      retention: input.retention,
    };
    const head = new StreamHead(birth);
    const messages = input.first ?? nothing;
    head.lastSeq = messages.length;
    head.closing = input.closed === true;
    this.#heads.insert(head);
    const done = this.#act(head, frameTypes.create, {
      firstSeq: 1,
      ms: now,
      messages,
      closes: head.closing,
      note: noteOfBirth(birth),
      committed: (place) => {
        this.#heads.shown(head);
        this.#publisher.appended(head, 1, messages.length, place, totalBytes(messages), now, head.closing);
      },
    });
    await done;
    return { outcome: 'created', head: head.show() };
  }

  async #same(head: StreamHead, input: CreateStream): Promise<{ outcome: 'same'; head: Head }> {
    if (head.mediaType !== mediaTypeOf(input.contentType) || head.closing !== (input.closed === true)) {
      await this.#refuse(
        head,
        conflict('stream_differs', `A stream with another configuration exists at ${input.key.path}.`, {
          extra: { contentType: head.contentType, closed: head.closing },
        }),
      );
    }
    await this.#durable(head);
    return { outcome: 'same', head: head.show() };
  }

  async remove(key: StreamKey, cause: 'deleted' | 'expired'): Promise<'gone'> {
    let head: StreamHead | undefined;
    while (!(head = this.#heads.at(key)) && (await this.#heads.load(key)) === 'present');
    head ??= this.#heads.at(key);
    if (!head || head.removing) throw await this.#unknownAt(key, head);
    this.#checkFull();
    head.removing = true;
    const leaving = head;
    await this.#act(leaving, frameTypes.remove, {
      firstSeq: leaving.lastSeq + 1,
      note: JSON.stringify({ cause }),
      committed: () => {
        this.#heads.gone(leaving, cause);
        this.#publisher.changed(leaving);
      },
    });
    return 'gone';
  }

  async retain(key: StreamKey, rule: Retention): Promise<StreamHead> {
    const refused = checkRetention(rule);
    if (refused) throw refused;
    let head: StreamHead | undefined;
    while (!(head = this.#heads.at(key)) && (await this.#heads.load(key)) === 'present');
    head ??= this.#heads.at(key);
    if (!head || head.removing) throw await this.#unknownAt(key, head);
    this.#checkFull();
    const ruled = head;
    await this.#act(ruled, frameTypes.retain, {
      firstSeq: ruled.lastSeq + 1,
      note: JSON.stringify(rule),
      committed: () => {
        ruled.retention = rule;
        this.#publisher.changed(ruled);
      },
    });
    return ruled;
  }

  /** Everything below `first` goes; `bytes` is what that was. */
  async trim(head: StreamHead, first: number, bytes: number): Promise<void> {
    this.#checkFull();
    if (head.removing) return;
    await this.#act(head, frameTypes.trim, {
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
    this.#act(head, frameTypes.gap, { firstSeq: entry.first, era: entry.era, note, committed: () => undefined }).catch(
      () => undefined,
    );
  }

  /** A new era, behind a jump, for a stream that may have lost acknowledged positions. */
  #leap(head: StreamHead, floor: EraFloor): void {
    const entry: Era = {
      era: Math.max(this.#clock.now(), head.era + 1, floor.era),
      first: head.lastSeq + 1 + eraJump,
      from: head.lastSeq + 1,
      reason: floor.reason,
    };
    head.era = entry.era;
    head.lastSeq = entry.first - 1;
    const done = this.#act(head, frameTypes.gap, {
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

  #act(
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

  /** `notFound`, once it is certain: a removal that is under way must be durable before anyone hears of it. */
  async #unknownAt(key: StreamKey, removing: StreamHead | undefined): Promise<MusterError> {
    if (removing) await this.#durable(removing);
    return unknown(key);
  }

  #checkFull(): void {
    const full = this.#committer.refusal() ?? this.#full();
    if (full) throw full;
  }

  #durable(head: StreamHead): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#committer.whenDurable(head.lastLsn, { committed: resolve, failed: reject });
    });
  }
}

export const unknown = (key: StreamKey): MusterError =>
  notFound('stream_unknown', `There is no stream at ${key.path}.`, { extra: { path: key.path } });

const noteOfBirth = (birth: Birth): string =>
  JSON.stringify({
    projectId: birth.key.projectId,
    path: birth.key.path,
    shard: birth.shard,
    contentType: birth.contentType,
    ...(birth.retention ? { retention: birth.retention } : {}),
  });

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
    writerSeq: undefined,
    note: undefined,
  };
}
