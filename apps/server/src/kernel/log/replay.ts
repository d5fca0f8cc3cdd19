import { assert } from '#kernel/base';
import { type BirthNote, bornHead } from './birth.ts';
import type { Erasures } from './erasures.ts';
import type { TakeoverNote } from './flush-chunk.ts';
import { cutPayload, type FrameView, frameTypes } from './frame.ts';
import type { Era, StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { Configured, EraseNote, Referred, Removed, SupersedeNote } from './notes.ts';
import { Superseded } from './superseded.ts';
import type { EraFloor } from './writer.ts';

/** Positions of one stream that the log does not hold although later ones are there. */
export type Loss = { head: StreamHead; from: number; first: number };

/** Positions that are certainly lost, for people: at most `max` stretches of them. */
export const lostPositions = ({ losses }: Replay, max: number): LostPositions[] =>
  losses.slice(0, max).map(({ head, from, first }) => ({
    projectId: head.key.projectId,
    path: head.key.path,
    from,
    to: first - 1,
  }));
export type LostPositions = { projectId: string; path: string; from: number; to: number };

/** The log contradicts itself or its rows. Nothing is guessed: an operator must look. */
export class LogInconsistent extends Error {}

/**
 * Applies frames behind the cursor to heads that stand as of the cursor, in log order: what the writer once decided is
 * taken over, not decided again. Each stream must go on by exactly one, unless the log is known to have holes.
 */
export class Replay {
  readonly #heads: Heads;
  readonly #limits: LogLimits;
  readonly #erasures: Erasures;
  /** Those that no frame behind them has put on record yet. */
  losses: Loss[] = [];
  /** Frames of streams whose creation is in a hole. */
  orphans = 0;
  frames = 0;
  highestStreamNo = 0;
  highestEra = 0;
  eraFloor: EraFloor | undefined;
  /** Set when a hole was found: from here on positions may be missing. */
  holed = false;
  /** A hole without a takeover behind it: the recovery that left it did not get to its end. */
  unsettled = false;

  constructor(heads: Heads, erasures: Erasures, limits: LogLimits) {
    this.#erasures = erasures;
    this.#heads = heads;
    this.#limits = limits;
  }

  apply(view: FrameView, lsn: number): void {
    this.frames += 1;
    const { streamNo } = view;
    if (streamNo > this.highestStreamNo) this.highestStreamNo = streamNo;
    if (view.era > this.highestEra) this.highestEra = view.era;
    switch (view.type) {
      case frameTypes.create:
        return this.#create(view, lsn);
      case frameTypes.takeover: {
        this.eraFloor = (JSON.parse(view.note() as string) as TakeoverNote).eraFloor ?? this.eraFloor;
        this.unsettled = false;
        return;
      }
      case frameTypes.hole:
        this.acceptedHole();
        return;
      case frameTypes.seal:
        return;
      default:
    }
    const head = this.#heads.byNo(streamNo);
    if (!head) {
      if (!this.holed)
        throw new LogInconsistent(
          `a frame at lsn ${lsn} belongs to stream ${streamNo}, which neither rows nor log know`,
        );
      this.orphans += 1;
      return;
    }
    if (head.removed) throw new LogInconsistent(`a frame at lsn ${lsn} follows the removal of stream ${streamNo}`);
    head.lastLsn = lsn;
    if (view.ms > head.updatedAt) head.updatedAt = view.ms;
    switch (view.type) {
      case frameTypes.append:
      case frameTypes.close:
        return this.#append(head, view, lsn);
      case frameTypes.remove: {
        const { cause, kept } = JSON.parse(view.note() as string) as Removed;
        head.removing = true;
        return kept ? this.#heads.hide(head, cause) : this.#heads.gone(head, cause);
      }
      case frameTypes.ref:
        return this.#expect(head, view);
      case frameTypes.trim:
        head.firstSeq = Math.max(head.firstSeq, view.firstSeq);
        head.firstKept = head.firstSeq;
        head.bytes -= (JSON.parse(view.note() as string) as { bytes: number }).bytes;
        return;
      case frameTypes.supersede:
        return this.#supersede(head, view);
      case frameTypes.erase:
        return this.#erase(head, view, lsn);
      case frameTypes.retain:
        return this.#configure(head, view);
      case frameTypes.gap:
        return this.#gap(head, view);
      default:
        throw new LogInconsistent(`a frame at lsn ${lsn} has a type that a stream does not have`);
    }
  }

  /** An earlier recovery left something out here, as an operator accepted. */
  acceptedHole(): void {
    this.holed = true;
    this.unsettled = true;
  }

  #create(view: FrameView, lsn: number): void {
    const note = JSON.parse(view.note() as string) as BirthNote;
    const head = bornHead(view.streamNo, note, view.era, view.ms);
    const before = this.#heads.at(head.key);
    if (before && !this.holed)
      throw new LogInconsistent(`a frame at lsn ${lsn} creates ${note.path} while stream ${before.streamNo} is there`);
    if (before) this.#heads.gone(before, 'deleted');
    this.#heads.born(head);
    this.#heads.shown(head);
    head.lastLsn = lsn;
    this.#append(head, view, lsn);
    if (note.fork) this.#forked(note.fork.of, head, view.ms, lsn);
  }

  /** The source stays in memory at least until the row of its fork is there to tell about it. */
  #forked(of: number, fork: StreamHead, ms: number, lsn: number): void {
    this.#heads.forked(of, fork.streamNo, ms);
    const source = this.#heads.byNo(of);
    if (source) source.lastLsn = lsn;
    else if (!this.holed)
      throw new LogInconsistent(`a frame at lsn ${lsn} forks stream ${of}, which neither rows nor log know`);
  }

  /** A fork is about to be created; its number is taken, whether it comes or not. */
  #expect(source: StreamHead, view: FrameView): void {
    const { fork } = JSON.parse(view.note() as string) as Referred;
    if (fork > this.highestStreamNo) this.highestStreamNo = fork;
    this.#heads.expectFork(source, fork, view.ms);
  }

  #configure(head: StreamHead, view: FrameView): void {
    const { version, ...settings } = JSON.parse(view.note() as string) as Configured;
    head.configure(settings, view.ms);
    head.version = version;
    head.nextVersion = version;
    this.#heads.deadlines.track(head);
  }

  #append(head: StreamHead, view: FrameView, lsn: number): void {
    if (view.firstSeq !== head.lastSeq + 1) this.#jump(head, view.firstSeq, lsn);
    if (view.count > 0) head.lastSeq = view.lastSeq;
    head.tail = head.lastSeq;
    head.bytes += view.payloadBytes;
    if (view.closes) {
      head.closed = true;
      head.closing = true;
    }
    const writerSeq = view.writerSeq();
    if (writerSeq !== undefined) head.writerSeq = writerSeq;
    const producer = view.producer();
    if (!producer) return;
    const producers = head.producersWith(this.#limits);
    const state = producers.get(producer.id) ?? producers.add(producer.id, producer.epoch, true, this.#heads.flushedTo);
    state.accepted(producer.epoch, producer.seq, view.firstSeq, head.lastSeq, lsn);
  }

  #jump(head: StreamHead, firstSeq: number, lsn: number): void {
    if (firstSeq <= head.lastSeq || !this.holed) {
      throw new LogInconsistent(
        `stream ${head.streamNo} stands at ${head.lastSeq}, but the frame at lsn ${lsn} begins at ${firstSeq}`,
      );
    }
    this.losses.push({ head, from: head.lastSeq + 1, first: firstSeq });
    head.eras.push({ era: head.era, first: firstSeq, from: head.lastSeq + 1, reason: 'lost' });
    head.lastSeq = firstSeq - 1;
  }

  #supersede(head: StreamHead, view: FrameView): void {
    const note = JSON.parse(view.note() as string) as SupersedeNote;
    const from = view.firstSeq;
    head.revision += 1;
    head.superseded ??= new Superseded();
    if ('by' in note) return head.superseded.show({ from, to: note.to, by: note.by, at: view.ms });
    head.superseded.drop(from);
    head.bytes -= note.bytes;
  }

  #erase(head: StreamHead, view: FrameView, lsn: number): void {
    const { seqs, bytes } = JSON.parse(view.note() as string) as EraseNote;
    const bodies = cutPayload(Buffer.from(view.payload()), view.count, view.lengths());
    this.#erasures.add(view.streamNo, seqs, bodies, lsn);
    head.revision += 1;
    head.bytes += bytes;
  }

  /** Forks miss what is missing where they inherit from. To be asked when everything was applied. */
  inheritLosses(): void {
    for (const head of this.#heads.all()) {
      if (!head.fork || head.removed) continue;
      let from = head.firstSeq;
      for (const { streamNo, last } of head.fork.lineage) {
        const source = this.#heads.byNo(streamNo);
        // One that is not in memory has all of it in rows.
        for (const gap of source ? missingIn(source, from, last) : []) this.#lose(head, gap);
        from = Math.max(from, last + 1);
      }
    }
  }

  #lose(head: StreamHead, { from, first }: { from: number; first: number }): void {
    const known = head.eras.some((era) => era.from !== undefined && era.from <= from && era.first >= first);
    if (known) return;
    this.losses.push({ head, from, first });
    addEra(head, { era: head.era, first, from, reason: 'lost' });
  }

  #gap(head: StreamHead, view: FrameView): void {
    const { known, ...entry } = JSON.parse(view.note() as string) as Era & { known?: true };
    if (known) {
      // Written by the recovery that found it; a replay of the frames before finds it again by itself.
      if (!head.eras.some(({ first, from }) => first === entry.first && from === entry.from)) addEra(head, entry);
      this.losses = this.losses.filter((loss) => loss.head !== head || loss.first !== entry.first);
      return;
    }
    assert(view.firstSeq === entry.first, 'a gap names its first position');
    head.eras.push(entry);
    head.era = entry.era;
    head.lastSeq = entry.first - 1;
    head.tail = head.lastSeq;
  }
}

function addEra(head: StreamHead, era: Era): void {
  head.eras.push(era);
  head.eras.sort((a, b) => a.first - b.first);
}

/** Positions `from` to `first - 1` that a stream should have between `start` and `end`, and has not. */
function* missingIn(head: StreamHead, start: number, end: number): Iterable<{ from: number; first: number }> {
  for (const era of head.eras) {
    const from = Math.max(start, era.from ?? era.first);
    const first = Math.min(end + 1, era.first);
    if (from < first) yield { from, first };
  }
  const from = Math.max(start, head.lastSeq + 1);
  if (from <= end) yield { from, first: end + 1 };
}
