import type { Tx } from '#kernel/db';
import { type BirthNote, erasOf, forkOf } from './birth.ts';
import { type ContentChange, writeContent } from './content-rows.ts';
import { crcBytes, crcWords } from './crc32c.ts';
import { cutPayload, type FrameView, frameTypes } from './frame.ts';
import type { Cause, Era, Settings } from './head.ts';
import { markKept } from './life-queries.ts';
import type { Configured, EraseNote, Removed, SupersedeNote } from './notes.ts';
import * as queries from './queries.ts';

type Move = {
  tail: number;
  bytes: number;
  first: number;
  closedAt: Date | null;
  closedBy: string | null;
  writerSeq: string | null;
  at: Date;
};
type ProducerMove = { epoch: number; seq: number; lastSeq: number; lastCount: number; at: Date };

/** What a flush met instead of its own row. */
export class FlushMismatch extends Error {
  readonly found: { streamNo: number; seq: number };
  constructor(found: { streamNo: number; seq: number }) {
    super(`the row of position ${found.seq} of stream ${found.streamNo} holds something else`);
    this.found = found;
  }
}

export type TakeoverNote = { term: number; shards?: number; eraFloor?: { era: number; reason: 'lost' | 'restored' } };

/**
 * Committed frames on their way to Postgres: what they add up to per stream, and their messages. Frames are copied in log
 * order; `write` puts everything down in one transaction. Heads in rows are as of the last frame taken, never as of memory.
 */
export class FlushChunk {
  readonly #shardOf: (streamNo: number) => number;
  readonly #rowsMax: number;
  readonly #bytesMax: number;
  readonly #births = new Map<number, { note: BirthNote; era: number; at: Date }>();
  readonly #removed = new Map<number, Date>();
  readonly #kept = new Map<number, { at: Date; cause: Cause }>();
  readonly #moves = new Map<number, Move>();
  readonly #producers = new Map<number, Map<string, ProducerMove>>();
  readonly #eras: { streamNo: number; era: Era }[] = [];
  readonly #configurations = new Map<number, queries.ConfigurationRow>();
  readonly #content: ContentChange[] = [];
  readonly #revisions = new Map<number, number>();
  readonly #inserts: { messages: queries.NewMessages; parts: Buffer[]; bytes: number }[] = [];
  eraFloor: { era: number; reason: string } | undefined;
  rows = 0;
  bytes = 0;

  constructor(limits: { flushRows: number; flushBytes: number }, shardOf: (streamNo: number) => number) {
    this.#rowsMax = limits.flushRows;
    this.#bytesMax = limits.flushBytes;
    this.#shardOf = shardOf;
  }

  get full(): boolean {
    return this.rows >= this.#rowsMax || this.bytes >= this.#bytesMax;
  }

  add(view: FrameView, lsn: number): void {
    const at = new Date(view.ms);
    const { streamNo } = view;
    switch (view.type) {
      case frameTypes.create:
        this.#addBirth(view, at);
        this.#addMessages(view, lsn, at);
        return;
      case frameTypes.append:
      case frameTypes.close:
        this.#addMessages(view, lsn, at);
        return;
      case frameTypes.remove: {
        const { cause, kept } = JSON.parse(view.note() as string) as Removed;
        if (kept) this.#kept.set(streamNo, { at, cause });
        else this.#removed.set(streamNo, at);
        return;
      }
      case frameTypes.trim: {
        const move = this.#moveOf(streamNo, at);
        move.first = Math.max(move.first, view.firstSeq);
        move.bytes -= (JSON.parse(view.note() as string) as { bytes: number }).bytes;
        return;
      }
      case frameTypes.supersede:
        this.#addRange(view, at);
        return;
      case frameTypes.erase:
        this.#addErasure(view, lsn, at);
        return;
      case frameTypes.retain:
        this.#configurations.set(streamNo, configurationAt(view));
        return;
      case frameTypes.gap: {
        const { known, ...era } = JSON.parse(view.note() as string) as Era & { known?: true };
        this.#eras.push({ streamNo, era });
        const move = this.#moveOf(streamNo, at);
        if (!known) move.tail = Math.max(move.tail, view.firstSeq - 1);
        return;
      }
      case frameTypes.takeover:
        this.eraFloor = (JSON.parse(view.note() as string) as TakeoverNote).eraFloor ?? this.eraFloor;
        return;
      default:
        // Holes and seals concern the segment they stand in; a ref is told by the row of its fork.
        return;
    }
  }

  #addMessages(view: FrameView, lsn: number, at: Date): void {
    const move = this.#moveOf(view.streamNo, at);
    const producer = view.producer();
    const writerSeq = view.writerSeq();
    if (writerSeq !== undefined) move.writerSeq = writerSeq;
    if (view.closes) {
      move.closedAt ??= at;
      move.closedBy ??= producer ? JSON.stringify(producer) : null;
    }
    if (producer) {
      let producers = this.#producers.get(view.streamNo);
      if (!producers) this.#producers.set(view.streamNo, (producers = new Map<string, ProducerMove>()));
      producers.set(producer.id, {
        epoch: producer.epoch,
        seq: producer.seq,
        lastSeq: view.lastSeq,
        lastCount: view.count,
        at,
      });
    }
    if (view.count === 0) return;
    move.tail = Math.max(move.tail, view.lastSeq);
    move.bytes += view.payloadBytes;
    this.#addRow(view, lsn, at);
  }

  #addBirth(view: FrameView, at: Date): void {
    const { streamNo, era } = view;
    const note = JSON.parse(view.note() as string) as BirthNote;
    this.#births.set(streamNo, { note, era, at });
    for (const [from, to, by, said] of note.fork?.superseded ?? [])
      this.#content.push({ kind: 'said', streamNo, from, to, by, at: new Date(said ?? 0), gone: said === null });
  }

  #addRange(view: FrameView, at: Date): void {
    const note = JSON.parse(view.note() as string) as SupersedeNote;
    const { streamNo, firstSeq: from } = view;
    this.#revise(streamNo, at);
    if ('by' in note) {
      this.#content.push({ kind: 'said', streamNo, from, to: note.to, by: note.by, at });
      return;
    }
    this.#moveOf(streamNo, at).bytes -= note.bytes;
    this.#content.push({ kind: 'dropped', streamNo, from });
  }

  #addErasure(view: FrameView, lsn: number, at: Date): void {
    const { seqs, bytes } = JSON.parse(view.note() as string) as EraseNote;
    const bodies = cutPayload(Buffer.from(view.payload()), view.count, view.lengths());
    this.#revise(view.streamNo, at);
    this.#moveOf(view.streamNo, at).bytes += bytes;
    this.#content.push({ kind: 'erased', streamNo: view.streamNo, lsn, at, seqs, bodies });
    this.rows += seqs.length;
    this.bytes += view.payloadBytes;
  }

  #revise(streamNo: number, at: Date): void {
    this.#moveOf(streamNo, at);
    this.#revisions.set(streamNo, (this.#revisions.get(streamNo) ?? 0) + 1);
  }

  #addRow(view: FrameView, lsn: number, at: Date): void {
    const bytes = view.payloadBytes;
    let insert = this.#inserts.at(-1);
    if (
      !insert ||
      insert.messages.seq.length >= this.#rowsMax ||
      (insert.bytes > 0 && insert.bytes + bytes > this.#bytesMax)
    ) {
      insert = { messages: noMessages(), parts: [], bytes: 0 };
      this.#inserts.push(insert);
    }
    const m = insert.messages;
    const payload = Buffer.from(view.payload());
    const lengths = view.lengths();
    m.streamNo.push(view.streamNo);
    m.seq.push(view.firstSeq);
    m.count.push(view.count);
    m.shard.push(this.#births.get(view.streamNo)?.note.shard ?? this.#shardOf(view.streamNo));
    m.lsn.push(lsn);
    m.at.push(at);
    m.crc.push(payloadCrc(view));
    m.from.push(insert.bytes + 1);
    m.length.push(bytes);
    m.lengths.push(lengths ? `{${lengths.join(',')}}` : null);
    insert.parts.push(payload);
    insert.bytes += bytes;
    this.rows += 1;
    this.bytes += bytes;
  }

  #moveOf(streamNo: number, at: Date): Move {
    let move = this.#moves.get(streamNo);
    if (!move) {
      move = { tail: 0, bytes: 0, first: 0, closedAt: null, closedBy: null, writerSeq: null, at };
      this.#moves.set(streamNo, move);
    }
    if (at > move.at) move.at = at;
    return move;
  }

  /** Removals first, so that a path that was freed and taken again meets its unique index in that order. */
  async write(tx: Tx): Promise<void> {
    await this.#writeRemovals(tx);
    await this.#writeBirths(tx);
    for (const insert of this.#inserts) {
      const { messages } = insert;
      messages.payloads = Buffer.concat(insert.parts);
      const inserted = await queries.insertMessages(tx, messages);
      if (inserted === messages.seq.length) continue;
      const other = await queries.differingMessage(tx, messages);
      if (other) throw new FlushMismatch({ streamNo: other.stream_no, seq: other.seq });
    }
    await this.#writeMoves(tx);
    for (const { streamNo, era } of this.#eras) await queries.addEra(tx, streamNo, era);
    for (const [streamNo, to] of this.#configurations) await queries.setConfiguration(tx, streamNo, to);
    await writeContent(tx, this.#content, this.#revisions);
    await this.#writeKept(tx);
    await this.#writeProducers(tx);
  }

  async #writeRemovals(tx: Tx): Promise<void> {
    const before = [...this.#removed].filter(([streamNo]) => !this.#births.has(streamNo));
    if (before.length === 0) return;
    await queries.markRemoved(
      tx,
      before.map(([streamNo]) => streamNo),
      before.map(([, at]) => at),
    );
  }

  async #writeBirths(tx: Tx): Promise<void> {
    if (this.#births.size === 0) return;
    const s: queries.NewStreams = {
      no: [],
      projectId: [],
      path: [],
      shard: [],
      contentType: [],
      eras: [],
      retention: [],
      ttlSeconds: [],
      expiresAt: [],
      forkOf: [],
      fork: [],
      first: [],
      tail: [],
      bytes: [],
      at: [],
      removedAt: [],
    };
    for (const [streamNo, { note, era, at }] of this.#births) {
      s.no.push(streamNo);
      s.projectId.push(note.projectId);
      s.path.push(note.path);
      s.shard.push(note.shard);
      s.contentType.push(note.contentType);
      s.eras.push(JSON.stringify(erasOf(note, era)));
      s.retention.push(note.retention ? JSON.stringify(note.retention) : null);
      s.ttlSeconds.push(note.ttlSeconds ?? null);
      s.expiresAt.push(dueAt(note, at.getTime()));
      s.forkOf.push(note.fork?.of ?? null);
      s.fork.push(note.fork ? JSON.stringify(forkOf(note.fork)) : null);
      s.first.push(note.fork?.first ?? 1);
      s.tail.push(note.fork?.seq ?? 0);
      s.bytes.push(note.fork?.bytes ?? 0);
      s.at.push(at);
      s.removedAt.push(this.#removed.get(streamNo) ?? null);
    }
    await queries.insertStreams(tx, s);
  }

  async #writeKept(tx: Tx): Promise<void> {
    const kept = [...this.#kept].filter(([streamNo]) => !this.#removed.has(streamNo));
    if (kept.length === 0) return;
    await markKept(tx, {
      no: kept.map(([streamNo]) => streamNo),
      at: kept.map(([, { at }]) => at),
      cause: kept.map(([, { cause }]) => cause),
    });
  }

  async #writeMoves(tx: Tx): Promise<void> {
    if (this.#moves.size === 0) return;
    const m: queries.Moves = {
      no: [],
      tail: [],
      bytes: [],
      first: [],
      closedAt: [],
      closedBy: [],
      writerSeq: [],
      at: [],
    };
    for (const [streamNo, move] of this.#moves) {
      m.no.push(streamNo);
      m.tail.push(move.tail);
      m.bytes.push(move.bytes);
      m.first.push(move.first);
      m.closedAt.push(move.closedAt);
      m.closedBy.push(move.closedBy);
      m.writerSeq.push(move.writerSeq);
      m.at.push(move.at);
    }
    await queries.moveStreams(tx, m);
  }

  async #writeProducers(tx: Tx): Promise<void> {
    if (this.#producers.size === 0) return;
    const p: queries.ProducerMoves = { no: [], id: [], epoch: [], seq: [], lastSeq: [], lastCount: [], at: [] };
    for (const [streamNo, producers] of this.#producers) {
      for (const [id, move] of producers) {
        p.no.push(streamNo);
        p.id.push(id);
        p.epoch.push(move.epoch);
        p.seq.push(move.seq);
        p.lastSeq.push(move.lastSeq);
        p.lastCount.push(move.lastCount);
        p.at.push(move.at);
      }
    }
    await queries.upsertProducers(tx, p);
  }
}

function configurationAt(view: FrameView): queries.ConfigurationRow {
  const note = JSON.parse(view.note() as string) as Configured;
  const { version, retention, ttlSeconds } = note;
  return { version, retention, ttlSeconds, expiresAt: dueAt(note, view.ms) };
}

/** When a lifetime is over that nobody prolongs. */
function dueAt({ ttlSeconds, expiresAt }: Settings, ms: number): Date | null {
  if (ttlSeconds !== undefined) return new Date(ms + ttlSeconds * 1000);
  return expiresAt === undefined ? null : new Date(expiresAt);
}

const noMessages = (): queries.NewMessages => ({
  streamNo: [],
  seq: [],
  count: [],
  shard: [],
  lsn: [],
  at: [],
  crc: [],
  from: [],
  length: [],
  lengths: [],
  payloads: Buffer.alloc(0),
});

/** Checksum of a payload alone, the same in every segment it is ever stored in. */
function payloadCrc(view: FrameView): number {
  const end = view.at + view.bytes;
  const start = end - view.payloadBytes;
  if (start % 8 !== 0) return ~crcBytes(-1, view.memory.bytes, start, end);
  const aligned = end - (end % 8);
  return ~crcBytes(
    crcWords(-1, view.memory.words, start >>> 2, aligned >>> 2),
    view.memory.bytes,
    Math.max(start, aligned),
    end,
  );
}
