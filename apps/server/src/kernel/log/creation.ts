import { type Clock, conflict, exhausted, type MusterError } from '#kernel/base';
import { type BirthNote, bornHead, type ForkNote } from './birth.ts';
import { checkCreation, tooLarge, totalBytes } from './creation-checks.ts';
import type { Forks, Origin } from './forks.ts';
import { frameTypes } from './frame.ts';
import { mediaTypeOf, type StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { CreateStream, Head } from './log.ts';
import type { Referred } from './notes.ts';
import { parseOffset } from './offset.ts';
import type { Publisher } from './publisher.ts';
import type { Removal } from './removal.ts';
import { type Homes, shardOf } from './shard.ts';
import type { Writer } from './writer.ts';

type Created = { outcome: 'created' | 'same'; head: Head };

const defaultContentType = 'application/octet-stream';

/** Makes streams: new ones, and forks of others. Decided in one synchronous step, like everything that is written. */
export class Creation {
  readonly #writer: Writer;
  readonly #heads: Heads;
  readonly #forks: Forks;
  readonly #removal: Removal;
  readonly #publisher: Publisher;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #homes: Homes;

  constructor(parts: {
    writer: Writer;
    heads: Heads;
    forks: Forks;
    removal: Removal;
    publisher: Publisher;
    clock: Clock;
    limits: LogLimits;
    homes: Homes;
  }) {
    this.#writer = parts.writer;
    this.#heads = parts.heads;
    this.#forks = parts.forks;
    this.#removal = parts.removal;
    this.#publisher = parts.publisher;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#homes = parts.homes;
  }

  async create(input: CreateStream): Promise<Created> {
    const refused = checkCreation(input, this.#limits);
    if (refused) throw refused;
    for (;;) {
      const created = await this.#attempt(input, undefined);
      if (created) return created;
      // Looking up the source takes time; afterwards everything is looked at again.
      using origin = await this.#forks.origin(input);
      const forked = await this.#attempt(input, origin);
      if (forked) return forked;
    }
  }

  /** `undefined`: the source of the fork must be looked up, or has changed since it was. */
  async #attempt(input: CreateStream, origin: Origin | undefined): Promise<Created | undefined> {
    let known: StreamHead | undefined;
    while (
      !(known = this.#heads.at(input.key)) &&
      input.fresh !== true &&
      (await this.#heads.load(input.key)) === 'present'
    );
    known ??= this.#heads.at(input.key);
    if (known) this.#removal.expireIfDue(known);
    if (known?.keeping) return this.#writer.refuse(known, pathKept(input));
    if (known && !known.removing) return this.#same(known, input);
    // One that takes the place of another that is ending makes it no more.
    const full = this.#writer.refusal() ?? (known ? undefined : this.#tooMany(input)) ?? this.#heads.makeRoom();
    if (full) throw full;
    if (input.fork && !(origin && this.#forks.holds(origin))) return undefined;
    return this.#create(input, known, origin);
  }

  #tooMany({ key, streamsMax = Number.POSITIVE_INFINITY }: CreateStream): MusterError | undefined {
    if (this.#heads.counts.of(key.projectId) < streamsMax) return undefined;
    return exhausted(
      'streams_max',
      `This project has ${streamsMax} streams, which is all it may have. Delete some, or give them a TTL.`,
      { retryAfterMs: 60_000 },
    );
  }

  async #create(input: CreateStream, before: StreamHead | undefined, origin: Origin | undefined): Promise<Created> {
    const { projectId, path } = input.key;
    const messages = [...(origin?.prefix ? [origin.prefix] : []), ...(input.first ?? [])];
    if (totalBytes(messages) > this.#limits.appendBytesMax) throw tooLarge(this.#limits);
    const now = this.#clock.now();
    const fork = origin && this.#forks.inheritance(origin, ownLife(input));
    const past = Math.max(before?.era ?? this.#heads.tombstone(input.key) ?? 0, fork?.eras.at(-1)?.era ?? 0);
    const { streamNo, shards, era } = this.#writer.newStream(past + 1);
    const note = noteOf(input, origin, fork, shardOf(projectId, path, shards, this.#homes));
    const head = bornHead(streamNo, note, era, now);
    const firstSeq = head.lastSeq + 1;
    head.lastSeq += messages.length;
    head.closing = input.closed === true;
    this.#heads.born(head);
    if (origin) this.#refer(origin.source, streamNo, now);
    const done = this.#writer.act(head, frameTypes.create, {
      firstSeq,
      ms: now,
      messages,
      closes: head.closing,
      note: JSON.stringify(note),
      committed: (place) => {
        this.#heads.shown(head);
        if (origin) this.#heads.forgetExpected(origin.source.streamNo, streamNo);
        this.#publisher.appended(head, firstSeq, messages.length, place, totalBytes(messages), now, head.closing);
      },
    });
    // Until the row of the fork tells of it, its source stays in memory.
    if (origin) origin.source.lastLsn = head.lastLsn;
    await done;
    return { outcome: 'created', head: head.show() };
  }

  /** Right in front of the creation, in the same step. */
  #refer(source: StreamHead, streamNo: number, now: number): void {
    const note: Referred = { fork: streamNo };
    this.#heads.expectFork(source, streamNo, now);
    const done = this.#writer.act(source, frameTypes.ref, {
      firstSeq: source.lastSeq + 1,
      ms: now,
      note: JSON.stringify(note),
      committed: () => undefined,
    });
    // The creation behind it carries the outcome to its caller.
    done.catch(() => undefined);
  }

  async #same(head: StreamHead, input: CreateStream): Promise<Created> {
    if (differs(head, input)) {
      await this.#writer.refuse(
        head,
        conflict('stream_differs', `A stream with another configuration exists at ${input.key.path}.`, {
          extra: { contentType: head.contentType, closed: head.closing },
        }),
      );
    }
    await this.#writer.durable(head);
    return { outcome: 'same', head: head.show() };
  }
}

function differs(head: StreamHead, input: CreateStream): boolean {
  const { fork } = input;
  const contentType = input.contentType ?? (fork ? head.contentType : defaultContentType);
  return (
    head.mediaType !== mediaTypeOf(contentType) ||
    head.closing !== (input.closed === true) ||
    livesDifferently(head, input) ||
    head.fork?.path !== fork?.from.path ||
    (fork !== undefined && forkedElsewhere(head, fork))
  );
}

function livesDifferently(head: StreamHead, input: CreateStream): boolean {
  if (input.fork && !ownLife(input) && head.fork?.inheritsLife) return false;
  return head.ttlSeconds !== input.ttlSeconds || head.expiresAt !== input.expiresAt;
}

function forkedElsewhere(head: StreamHead, { at, sub = 0 }: NonNullable<CreateStream['fork']>): boolean {
  if (head.fork?.sub !== sub) return true;
  const wanted = at === undefined ? undefined : parseOffset(at);
  if (at !== undefined && wanted === undefined) return true;
  if (wanted === undefined) return false;
  if (wanted.era === 0 && wanted.seq === 0) return head.fork.at >= head.firstSeq;
  return wanted.seq !== head.fork.at || wanted.era !== head.eraOf(wanted.seq);
}

const ownLife = (input: CreateStream): boolean => input.ttlSeconds !== undefined || input.expiresAt !== undefined;

function noteOf(input: CreateStream, origin: Origin | undefined, fork: ForkNote | undefined, shard: number): BirthNote {
  const { retention } = input;
  const { ttlSeconds, expiresAt } = origin && !ownLife(input) ? origin.source : input;
  return {
    projectId: input.key.projectId,
    path: input.key.path,
    shard,
    contentType: input.contentType ?? origin?.source.contentType ?? defaultContentType,
    retention,
    ttlSeconds,
    expiresAt,
    fork,
  };
}

const pathKept = ({ key }: CreateStream): MusterError =>
  conflict(
    'path_kept_for_forks',
    `A removed stream at ${key.path} is kept for its forks; the path is free when they are gone.`,
    {
      extra: { path: key.path },
    },
  );
