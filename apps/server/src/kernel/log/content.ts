import { type Clock, conflict, exhausted, invalid, type MusterError } from '#kernel/base';
import { absenceOf, unknown } from './absence.ts';
import type { Erasures } from './erasures.ts';
import { frameTypes } from './frame.ts';
import type { StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import { inheritedAt } from './lineage.ts';
import type { StreamKey } from './log.ts';
import type { EraseNote, SupersedeNote } from './notes.ts';
import { standingAt } from './positions.ts';
import type { Publisher } from './publisher.ts';
import type { Reader, StoredFrame } from './reader.ts';
import type { Removal } from './removal.ts';
import type { RetentionSweep } from './retention.ts';
import { Superseded } from './superseded.ts';
import { passOver } from './views.ts';
import type { Writer } from './writer.ts';

type Body = { seq: number; instead: Uint8Array };

type Parts = {
  heads: Heads;
  writer: Writer;
  reader: Reader;
  removal: Removal;
  retention: RetentionSweep;
  erasures: Erasures;
  publisher: Publisher;
  clock: Clock;
  limits: LogLimits;
};

/**
 * Acts that change how stored messages are shown: a later message tells a range again, bodies are erased. Each is a frame
 * like any other: positions stay, and it holds for every reader from its sync on.
 */
export class ContentActs {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async supersede(key: StreamKey, range: { from: number; to: number; by: number }): Promise<void> {
    const { limits, writer, clock } = this.#parts;
    const { from, to, by } = range;
    if (![from, to, by].every(Number.isSafeInteger) || from < 1 || to < from || by <= to) {
      throw invalid('range_malformed', 'Positions from to to, whole numbers above 0, are told again by a later one.');
    }
    const head = await this.#find(key);
    if (by > head.lastSeq) throw beyondTail(head, by);
    if (inheritedAt(head, from)) {
      throw conflict('message_inherited', `Position ${from} belongs to the stream this one was forked from.`);
    }
    if (to < head.firstSeq) return;
    const ranges = head.superseded ?? new Superseded();
    const fit = ranges.fit(from, to);
    if (fit === 'overlaps')
      throw conflict(
        'superseded_overlaps',
        'Some of these messages, but not all, are told again by another one already.',
      );
    // Said before: true as soon as that is durable.
    if (fit === 'known') return writer.durable(head);
    ranges.forgetBelow(head.firstSeq);
    if (ranges.size >= limits.supersededRangesMax) {
      throw exhausted('superseded_max', `At most ${limits.supersededRangesMax} ranges of one stream are superseded.`);
    }
    writer.checkFull();
    const said = { from, to, by, at: clock.now() };
    head.superseded = ranges;
    ranges.assign(said);
    const note: SupersedeNote = { to, by };
    await writer.act(head, frameTypes.supersede, {
      firstSeq: from,
      ms: said.at,
      note: JSON.stringify(note),
      committed: () => {
        ranges.show(said);
        this.#changed(head, said.at);
      },
    });
  }

  async erase(key: StreamKey, bodies: readonly Body[]): Promise<void> {
    const sorted = this.#checked(bodies);
    const last = sorted.at(-1);
    if (!last) return;
    const head = await this.#find(key);
    if (last.seq > head.tail) throw beyondTail(head, last.seq);
    // What a fork inherited stands in its sources: it is erased there, and so for all of them.
    const byStream = Map.groupBy(sorted, ({ seq }) => inheritedAt(head, seq)?.streamNo ?? head.streamNo);
    for (const [streamNo, ofStream] of byStream) await this.#eraseIn(streamNo, ofStream, key);
  }

  async #eraseIn(streamNo: number, bodies: readonly Body[], key: StreamKey): Promise<void> {
    const { heads, retention } = this.#parts;
    for (;;) {
      const head = await heads.loadNo(streamNo);
      if (!head || head.removed) throw unknown(key);
      // Sizes are counted before and must hold when the frame is encoded: nothing else may change what is stored meanwhile.
      using _ = await retention.alone(head);
      if (heads.byNo(streamNo) === head) return await this.#erase(head, bodies, key);
    }
  }

  async #erase(head: StreamHead, bodies: readonly Body[], key: StreamKey): Promise<void> {
    const { erasures, limits, writer, clock } = this.#parts;
    const grown = await this.#growth(head, bodies);
    // One that is only kept for its forks has their content.
    if (head.finishing || (head.removing && !head.keeping)) throw unknown(key);
    // The caller may use its buffers again; these are shown for as long as the mask is needed.
    const instead = bodies.map((body) => Buffer.from(body.instead));
    const bytes = instead.reduce((sum, { length }) => sum + length, 0);
    if (erasures.count + instead.length > limits.erasingMax || erasures.bytes + bytes > limits.erasingBytesMax) {
      throw exhausted('erasing_max', 'More erased messages wait for their old bytes to go than the log holds.', {
        retryAfterMs: 10_000,
      });
    }
    writer.checkFull();
    const seqs = bodies.map(({ seq }) => seq);
    const ms = clock.now();
    const note: EraseNote = { seqs, bytes: grown };
    erasures.reserve(instead);
    try {
      await writer.act(head, frameTypes.erase, {
        firstSeq: seqs[0] as number,
        ms,
        messages: instead,
        note: JSON.stringify(note),
        committed: ({ lsn }) => {
          erasures.add(head.streamNo, seqs, instead, lsn);
          head.bytes += grown;
          this.#changed(head, ms);
        },
      });
    } finally {
      erasures.release(instead);
    }
  }

  /** The bytes of ranges said before `ms` may go; every view passes over them from the sync of their frame on. */
  async dropSuperseded(head: StreamHead, ms: number): Promise<void> {
    const { retention, heads, writer, clock } = this.#parts;
    using _ = await retention.alone(head);
    if (heads.byNo(head.streamNo) !== head) return;
    for (const { from, to } of head.superseded?.saidBefore(ms) ?? []) {
      const first = Math.max(from, head.firstSeq);
      const bytes = first > to ? 0 : await this.#bytesIn(head, first, to);
      if (head.removing) return;
      writer.checkFull();
      const note: SupersedeNote = { to, bytes };
      const at = clock.now();
      head.superseded?.dropping(from);
      await writer.act(head, frameTypes.supersede, {
        firstSeq: from,
        ms: at,
        note: JSON.stringify(note),
        committed: () => {
          head.superseded?.drop(from);
          head.bytes -= bytes;
          this.#changed(head, at);
        },
      });
    }
  }

  #changed(head: StreamHead, ms: number): void {
    head.revision += 1;
    if (ms > head.updatedAt) head.updatedAt = ms;
    this.#parts.publisher.changed(head);
  }

  /** In rising order, without doubt about any of them. */
  #checked(bodies: readonly Body[]): readonly Body[] {
    const { limits } = this.#parts;
    const sorted = bodies.toSorted((a, b) => a.seq - b.seq);
    if (sorted.some(({ seq }, i) => !Number.isSafeInteger(seq) || seq < 1 || seq === sorted[i - 1]?.seq)) {
      throw invalid(
        'seq_malformed',
        'Each message to be erased is named once, by its position, a whole number above 0.',
      );
    }
    const bytes = sorted.reduce((sum, { instead }) => sum + instead.length, 0);
    if (sorted.length > limits.appendMessagesMax || bytes > limits.appendBytesMax) {
      throw invalid(
        'body_too_large',
        `At most ${limits.appendMessagesMax} messages and ${limits.appendBytesMax} bytes are put in place at once.`,
        { status: 413 },
      );
    }
    return sorted;
  }

  /** How much larger the stream gets. What is not readable any more counts nothing, but its bytes go all the same. */
  async #growth(head: StreamHead, bodies: readonly Body[]): Promise<number> {
    let grown = 0;
    let frame: StoredFrame | undefined;
    for (const { seq, instead } of bodies) {
      if (!isThere(head, seq)) continue;
      if (!frame || seq >= frame.firstSeq + frame.messages.length)
        frame = (await this.#parts.reader.frames(head, seq, { bytes: 1, messages: 1 })).at(0);
      const old = frame && frame.messages[seq - frame.firstSeq];
      // Trimmed while it was looked for.
      if (old) grown += instead.length - old.length;
    }
    return grown;
  }

  async #bytesIn(head: StreamHead, from: number, to: number): Promise<number> {
    const { reader, limits } = this.#parts;
    const want = { bytes: limits.pageBytesMax, messages: limits.pageMessagesMax };
    let bytes = 0;
    for (let next = from; next <= to; ) {
      if (!isThere(head, next)) {
        next += 1;
        continue;
      }
      const frames = await reader.frames(head, next, want);
      if (frames.length === 0) return bytes;
      for (const { firstSeq, messages } of frames) {
        for (const [i, message] of messages.entries()) {
          const seq = firstSeq + i;
          if (seq >= next && seq <= to) bytes += message.length;
        }
        next = Math.max(next, firstSeq + messages.length);
      }
    }
    return bytes;
  }

  async #find(key: StreamKey): Promise<StreamHead> {
    const { heads, removal, writer } = this.#parts;
    let head: StreamHead | undefined;
    while (!(head = heads.at(key)) && (await heads.load(key)) === 'present');
    head ??= heads.at(key);
    if (!head) throw unknown(key);
    removal.expireIfDue(head);
    return head.removing ? writer.refuse(head, absenceOf(head)) : head;
  }
}

const beyondTail = (head: StreamHead, seq: number): MusterError =>
  invalid('seq_beyond_tail', `Position ${seq} lies behind the end of the stream, which is ${head.tail}.`, {
    extra: { tail: head.tail },
  });

/** Whether a reader could still get this position: not trimmed, lost or dropped. */
const isThere = (head: StreamHead, seq: number): boolean =>
  seq >= head.firstSeq && standingAt(head, seq - 1).gap === undefined && passOver(head, seq - 1, 'raw') < seq;
