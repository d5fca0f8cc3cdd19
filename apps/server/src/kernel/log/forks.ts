import { conflict, exhausted, invalid, type MusterError, must } from '#kernel/base';
import { absenceOf, unknown } from './absence.ts';
import type { ForkNote } from './birth.ts';
import { mediaTypeOf, type StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import { sizeOfRows } from './life-queries.ts';
import type { LogLimits } from './limits.ts';
import { inheritedAt, lineageOf } from './lineage.ts';
import type { CreateStream, Offset, StreamKey } from './log.ts';
import { parseOffset } from './offset.ts';
import { messagesBehind } from './pages.ts';
import { standingAt, standingOf, unbrokenTo } from './positions.ts';
import type { Reader } from './reader.ts';
import type { Removal } from './removal.ts';
import type { Store } from './store.ts';
import { passOver, shows } from './views.ts';
import type { Writer } from './writer.ts';

/** What a fork begins with, as it was when it was looked up. */
type LookedUp = {
  readonly source: StreamHead;
  /** First position of the source then: one that moved since takes away what was counted. */
  readonly first: number;
  /** Of its content, for the same reason. */
  readonly revision: number;
  readonly at: number;
  readonly sub: number;
  /** Last position to inherit. */
  readonly seq: number;
  /** The wanted beginning of the append behind it, where a fork begins inside of one. */
  readonly prefix: Uint8Array | undefined;
  /** Payload of what is inherited. */
  readonly bytes: number;
};

/** Its source stays in memory until this is disposed of. */
export type Origin = LookedUp & Disposable;

type Point = Pick<Origin, 'seq' | 'prefix'>;

/** Finds what a fork is to inherit. Reads only; nothing of it shows before the creation is written. */
export class Forks {
  readonly #writer: Writer;
  readonly #heads: Heads;
  readonly #removal: Removal;
  readonly #reader: Reader;
  readonly #store: Store | undefined;
  readonly #limits: LogLimits;

  constructor(parts: {
    writer: Writer;
    heads: Heads;
    removal: Removal;
    reader: Reader;
    store: Store | undefined;
    limits: LogLimits;
  }) {
    this.#writer = parts.writer;
    this.#heads = parts.heads;
    this.#removal = parts.removal;
    this.#reader = parts.reader;
    this.#store = parts.store;
    this.#limits = parts.limits;
  }

  /** Whether the source is still as it was looked up. To be asked in the step that writes the creation. */
  holds({ source, first, revision }: Origin): boolean {
    this.#removal.expireIfDue(source);
    return (
      this.#heads.byNo(source.streamNo) === source &&
      !source.removing &&
      source.firstSeq === first &&
      source.firstKept === first &&
      source.revision === revision &&
      source.forks < this.#limits.forksPerStreamMax
    );
  }

  /** What the fork's `create` frame says of it. */
  inheritance({ source, first, at, sub, seq, bytes }: Origin, ownLife: boolean): ForkNote {
    const era = source.eraOf(seq);
    return {
      of: source.streamNo,
      path: source.key.path,
      at,
      sub,
      seq,
      inheritsLife: !ownLife,
      depth: (source.fork?.depth ?? 0) + 1,
      lineage: lineageOf(source, seq),
      first,
      bytes,
      eras: source.eras.slice(0, source.eras.findLastIndex((entry) => entry.era === era) + 1),
      superseded: source.superseded?.upTo(seq),
    };
  }

  /** Looks up what is to be inherited. */
  async origin({ key, fork, contentType }: CreateStream): Promise<Origin> {
    const { from, at, sub = 0 } = must(fork, 'a fork');
    for (;;) {
      const source = await this.#source(key, from);
      using held = hold(source);
      const refused = this.#refusal(source, contentType);
      if (refused) return await this.#writer.refuse(source, refused);
      const origin = await this.#lookUp(source, at, sub);
      if (!origin) continue;
      const kept = held.move();
      return { ...origin, [Symbol.dispose]: () => kept.dispose() };
    }
  }

  /** `undefined` when the ground moved: a trim or a removal came between. */
  async #lookUp(source: StreamHead, from: Offset | undefined, sub: number): Promise<LookedUp | undefined> {
    const at = this.#at(source, from);
    const { firstSeq: first, revision } = source;
    const point = sub === 0 ? { seq: at, prefix: undefined } : await this.#pointBehind(source, at, sub);
    const bytes = point && (await this.#bytesTo(source, point.seq));
    if (bytes === undefined || !point || source.firstSeq !== first) return undefined;
    return { source, first, revision, at, sub, ...point, bytes };
  }

  /** The stream to fork from, visible, with nothing on its way that takes away from it. */
  async #source(key: StreamKey, from: StreamKey): Promise<StreamHead> {
    if (from.projectId !== key.projectId) throw unknown(from);
    for (;;) {
      let source: StreamHead | undefined;
      while (!(source = this.#heads.at(from)) && (await this.#heads.load(from)) === 'present');
      source ??= this.#heads.at(from);
      if (!source) throw unknown(from);
      this.#removal.expireIfDue(source);
      if (source.keeping) return this.#writer.refuse(source, sourceRemoved(from));
      if (source.removing) return this.#writer.refuse(source, absenceOf(source));
      if (source.visible && source.firstKept === source.firstSeq) return source;
      await this.#writer.durable(source);
    }
  }

  #refusal(source: StreamHead, contentType: string | undefined): MusterError | undefined {
    const { forksPerStreamMax, forkDepthMax } = this.#limits;
    if (contentType !== undefined && mediaTypeOf(contentType) !== source.mediaType)
      return conflict('content_type_differs', `The source holds ${source.contentType}, not ${contentType}.`);
    if (source.forks >= forksPerStreamMax)
      return exhausted('forks_max', `A stream has at most ${forksPerStreamMax} forks.`);
    if ((source.fork?.depth ?? 0) >= forkDepthMax)
      return exhausted('fork_depth_max', `A fork is at most ${forkDepthMax} forks away from where it began.`);
    return undefined;
  }

  #at(source: StreamHead, at: Offset | undefined): number {
    if (at === undefined) return source.tail;
    if (at === 'now' || !parseOffset(at)) throw malformed('The offset to fork at is not an offset.');
    if ((parseOffset(at)?.seq ?? 0) > source.tail)
      throw malformed('The offset to fork at lies behind the end of the source.');
    const { gap, seq } = standingOf(source, at);
    if (gap) throw malformed(`The source has nothing at the offset to fork at any more; it begins at ${gap.earliest}.`);
    return seq;
  }

  /** `sub` messages (JSON) or bytes behind `at`, at most to the end of the append there. */
  async #pointBehind(source: StreamHead, at: number, sub: number): Promise<Point | undefined> {
    // Nothing is left of what every view passes over: counting begins behind it.
    const behind = passOver(source, at, 'raw');
    if (behind >= source.tail || standingAt(source, behind).gap) throw tooFar();
    const [frame] = await this.#reader.frames(source, behind + 1, { bytes: 1, messages: 1 });
    if (!frame) return undefined;
    const messages = [...messagesBehind([frame], behind)].map(({ bytes }) => bytes);
    if (source.mediaType === 'application/json') {
      if (sub > messages.length) throw tooFar();
      return { seq: behind + sub, prefix: undefined };
    }
    let left = sub;
    let seq = behind;
    for (const message of messages) {
      if (left < message.length) return { seq, prefix: left > 0 ? Buffer.from(message.subarray(0, left)) : undefined };
      left -= message.length;
      seq += 1;
      if (left === 0) return { seq, prefix: undefined };
    }
    throw tooFar();
  }

  /** Payload of a stream up to `seq`; `undefined` when it was trimmed or removed while being counted. */
  async #bytesTo(source: StreamHead, seq: number): Promise<number | undefined> {
    if (seq === source.tail) return source.bytes;
    let bytes = 0;
    let next = source.firstSeq;
    while (next <= seq) {
      next = passOver(source, next - 1, 'raw') + 1;
      if (next > seq) break;
      const standing = standingAt(source, next - 1);
      if (standing.gap) {
        if (standing.gap.reason === 'trimmed') return undefined;
        next = standing.seq + 1;
        continue;
      }
      const frames = await this.#reader.frames(source, next, { bytes: this.#limits.pageBytesMax, messages: 1 });
      const last = frames.at(-1);
      if (!last) return undefined;
      for (const message of messagesBehind(frames, next - 1))
        if (message.seq <= seq && shows(source, 'raw', message)) bytes += message.bytes.length;
      next = last.firstSeq + last.messages.length;
      if (next > seq) break;
      const rows = await this.#rowsFrom(source, next, seq);
      bytes += rows.bytes;
      next = rows.next;
    }
    return bytes;
  }

  /** From the beginning of an append on: all that is in rows at once, so that a long history costs one look. */
  async #rowsFrom(source: StreamHead, from: number, to: number): Promise<{ bytes: number; next: number }> {
    // Rows of dropped ranges may still be there, and do not count.
    if (!this.#store || source.superseded) return { bytes: 0, next: from };
    const inherited = inheritedAt(source, from);
    const end = Math.min(to, inherited?.last ?? to, unbrokenTo(source, from - 1));
    const { bytes, last } = await sizeOfRows(this.#store.db, inherited?.streamNo ?? source.streamNo, from, end);
    return last === null ? { bytes: 0, next: from } : { bytes, next: last + 1 };
  }
}

/** In memory for as long as this is not disposed of. */
function hold(head: StreamHead): DisposableStack {
  const held = new DisposableStack();
  head.holds += 1;
  held.defer(() => {
    head.holds -= 1;
  });
  return held;
}

const malformed = (why: string): MusterError => invalid('fork_offset', why);

const tooFar = (): MusterError =>
  invalid('fork_sub_offset', 'The sub-offset reaches at most to the end of the next append behind the offset.');

const sourceRemoved = ({ path }: StreamKey): MusterError =>
  conflict(
    'fork_source_removed',
    `The stream at ${path} was removed and is kept for its forks; it cannot be forked again.`,
    {
      extra: { path },
    },
  );
