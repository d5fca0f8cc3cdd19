/**
 * A world for the log: one simulated disk, one real database, and a witness that remembers what was acknowledged and what
 * readers saw, over any number of lives. One file: what clients do and what must hold afterwards share one memory.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'vitest';
import { FakeClock, MusterError, type Random } from '#kernel/base';
import { type Db, sql } from '#kernel/db';
import {
  type Appended,
  createLog,
  type Head,
  type Log,
  type LogLimits,
  type Offset,
  parseOffset,
  type Sink,
  type StreamKey,
} from '#kernel/log';
import { until } from '#test/until';
import { type Attempt, type Change, type Incarnation, made, nextProducer } from './log-model.ts';
import { mortal } from './mortal-db.ts';
import { type SimDisk, type SimProcess } from './sim-disk.ts';

export const dir = '/log';
const all = { bytes: 1024 * 1024, messages: 1000 };

export class World {
  readonly seed: number;
  readonly disk: SimDisk;
  readonly random: Random;
  readonly #db: Db;
  readonly limits: Partial<LogLimits>;
  /** Of each path, oldest first; the last one is, or may be, there. */
  readonly paths = new Map<string, Incarnation[]>();
  /** What any reader of any life saw at (path, era, seq). */
  readonly #seen = new Map<string, string>();
  readonly #changes = new Map<string, Change[]>();
  #ticks = 0;
  #texts = 0;
  lives = 0;
  acknowledged = 0;
  forks = 0;
  removals = 0;
  expired = 0;

  constructor(seed: number, disk: SimDisk, random: Random, db: Db, limits: Partial<LogLimits>) {
    this.seed = seed;
    this.disk = disk;
    this.random = random;
    this.#db = db;
    this.limits = limits;
  }

  /** An instant of its own. */
  tick(): number {
    return ++this.#ticks;
  }

  /** Every configuration asked for at a path, in the order of the asking. */
  changesOf(path: string): Change[] {
    const known = this.#changes.get(path) ?? [];
    this.#changes.set(path, known);
    return known;
  }

  /** At the end of a life: what is under way happened in it or never. */
  cutChanges(): void {
    const now = this.tick();
    for (const changes of this.#changes.values())
      for (const change of changes) change.ended = Math.min(change.ended, now);
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.random() * of.length)] as T;
  }

  text(): string {
    const size = this.random() < 0.1 ? Math.floor(this.random() * 3000) : Math.floor(this.random() * 60);
    return `${this.#texts++}:`.padEnd(size, '.');
  }

  born(accept?: 'loss' | 'restored'): Life {
    this.lives += 1;
    return new Life(this, this.#db, accept);
  }

  saw(path: string, era: number, seq: number, text: string): void {
    const name = `${path}@${era}_${seq}`;
    const before = this.#seen.get(name);
    if (before !== undefined && before !== text)
      throw new Error(`position ${name} was seen with two contents: ${before} and ${text}`);
    this.#seen.set(name, text);
  }
}

/** One process on the world's disk. */
export class Life {
  readonly world: World;
  readonly clock: FakeClock;
  readonly process: SimProcess;
  readonly log: Log;
  readonly fatal: { error: Error; code: number }[] = [];
  readonly mismatches: unknown[] = [];
  readonly damage: string[] = [];
  readonly #db: ReturnType<typeof mortal>;
  readonly ended = Promise.withResolvers<void>();
  #over = false;

  constructor(world: World, db: Db, accept?: 'loss' | 'restored', node = { id: 'sim', url: '' }) {
    this.world = world;
    this.clock = new FakeClock(1_700_000_000_000 + world.lives * 3_600_000);
    this.process = world.disk.open();
    this.process.onEnd = () => this.die();
    this.#db = mortal(db);
    this.log = createLog({
      driver: 'disk',
      dir,
      db: this.#db.db,
      disk: this.process,
      clock: this.clock,
      limits: world.limits,
      node,
      events: {
        flushMismatch: (found) => this.mismatches.push(found),
        damage: ({ reason }) => this.damage.push(reason),
      },
      ...(accept ? { accept } : {}),
      fatal: (error, code) => {
        this.fatal.push({ error, code });
        this.die();
      },
    });
  }

  /** The database goes away right after so many more commits, and nobody hears of the last one. */
  databaseLeaves(afterCommits: number): void {
    this.#db.away.after = afterCommits;
  }

  databaseReturns(): void {
    this.#db.away.after = Number.POSITIVE_INFINITY;
  }

  get dead(): boolean {
    return this.process.ended;
  }

  die(): void {
    if (!this.#over) {
      this.#mayHaveEnded();
      this.world.cutChanges();
    }
    this.#over = true;
    this.process.stop();
    this.#db.die();
    this.ended.resolve();
  }

  /** Starts, with time going on; resolves when ready or dead. */
  async start(): Promise<void> {
    const starting = this.log.start();
    starting.catch(() => undefined);
    await Promise.race([starting, this.ended.promise]);
    this.#livesOn();
  }

  /** Lets time and everything that waits for it go on. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (let i = 0; i < 3; i++) await turn();
  }

  async stop(): Promise<void> {
    await this.log[Symbol.asyncDispose]();
    this.die();
    await this.#db.settled();
  }

  /** The end, and what the disk and the database make of it. */
  async end(how: 'kill' | 'power'): Promise<void> {
    this.die();
    this.world.disk.end(how);
    await this.#db.settled();
  }

  /* What a client does, and remembers. */

  key = (path: string): StreamKey => ({ projectId: 'prj_sim', path });

  async create(path: string): Promise<void> {
    const before = this.world.paths.get(path) ?? [];
    const last = before.at(-1);
    if (last && last.removal === 'none') return;
    const stream = made(path, this.world.tick());
    const ttlSeconds = 30 + Math.floor(this.world.random() * 100);
    if (path.startsWith('ttl'))
      stream.ttl = { ms: ttlSeconds * 1000, usedFrom: this.clock.now(), usedTo: this.clock.now(), using: 0 };
    await this.#born(stream, before, () =>
      this.log.create({
        key: this.key(path),
        contentType: 'text/plain',
        ...(stream.trims ? { retention: { maxMessages: 6 } } : {}),
        ...(stream.ttl ? { ttlSeconds } : {}),
      }),
    );
  }

  /** A fork of what another path has now, at some point of it. */
  async fork(path: string, from: string): Promise<void> {
    const before = this.world.paths.get(path) ?? [];
    const source = this.world.paths.get(from)?.at(-1);
    const last = before.at(-1);
    if (!source || source.removal !== 'none' || (last && last.removal === 'none')) return;
    try {
      const messages = 1 + Math.floor(this.world.random() * 20);
      const page = await this.#using(source, () => this.log.read(this.key(from), 'start', { bytes: 1e6, messages }));
      const inherited = page.messages.map(({ bytes }) => Buffer.from(bytes).toString());
      const [next] = page.upToDate
        ? []
        : (await this.#using(source, () => this.log.read(this.key(from), page.next, { bytes: 1, messages: 1 })))
            .messages;
      // Inside the next append: the fork begins with a copy of that part.
      const sub =
        next && next.bytes.length > 2 && this.world.random() < 0.3 ? 1 + Math.floor(this.world.random() * 2) : 0;
      if (next && sub > 0) inherited.push(Buffer.from(next.bytes.subarray(0, sub)).toString());
      const stream = { ...made(path, this.world.tick()), trims: source.trims };
      stream.fork = { source, inherited };
      if (source.ttl) stream.ttl = { ...source.ttl, usedFrom: this.clock.now(), usedTo: this.clock.now(), using: 0 };
      if (this.dead || this.world.paths.get(path)?.at(-1) !== last || (last && last.removal === 'none')) return;
      await this.#born(stream, before, () =>
        this.log.create({ key: this.key(path), fork: { from: this.key(from), at: page.next, sub } }),
      );
    } catch (error) {
      this.#refused(error);
    }
  }

  async #born(stream: Incarnation, before: Incarnation[], create: () => Promise<{ head: Head }>): Promise<void> {
    this.world.paths.set(stream.path, [...before, stream]);
    try {
      stream.streamNo = (await create()).head.streamNo;
      stream.state = 'there';
      if (stream.fork) this.world.forks += 1;
      const old = before.at(-1);
      if (old) old.removal = 'done';
      if (stream.ttl) stream.ttl.usedTo = this.clock.now();
    } catch (error) {
      // Said no: its path is as it was, a source went, or all places are taken.
      if (this.#refused(error)) this.world.paths.set(stream.path, before);
    }
  }

  /** Where memory is small, a stream may have to wait until others have left it. */
  async #patiently<T>(act: () => Promise<T>): Promise<T> {
    const answers: T[] = [];
    await until(
      async () => {
        try {
          answers.push(await act());
          return true;
        } catch (error) {
          if (!(error instanceof MusterError) || error.reason !== 'streams_open_max') throw error;
          await this.pass(400);
          return false;
        }
      },
      { everyMs: 1 },
    );
    return answers[0] as T;
  }

  /** Something that starts a sliding lifetime again. */
  async #using<T>(stream: Incarnation, use: () => Promise<T>): Promise<T> {
    const began = this.clock.now();
    const { ttl } = stream;
    if (ttl) ttl.using += 1;
    try {
      const answer = await use();
      if (ttl) ttl.usedFrom = Math.max(ttl.usedFrom, began);
      return answer;
    } finally {
      // Afterwards another life may have begun to count.
      if (ttl && !this.#over) {
        ttl.using -= 1;
        ttl.usedTo = this.clock.now();
      }
    }
  }

  /** Whether its lifetime may, or must, be over. */
  #isOver({ ttl }: Incarnation, how: 'maybe' | 'surely'): boolean {
    if (!ttl) return false;
    const { usedFrom, usedTo, using, ms } = ttl;
    return how === 'maybe' ? this.clock.now() >= usedFrom + ms : using === 0 && this.clock.now() >= usedTo + ms;
  }

  /** A restart counts from itself. */
  #livesOn(): void {
    for (const incarnations of this.world.paths.values()) {
      const { ttl } = incarnations.at(-1) ?? {};
      if (ttl) Object.assign(ttl, { usedFrom: this.clock.now(), usedTo: this.clock.now(), using: 0 });
    }
  }

  /** Nobody may have noticed, or nobody may have heard of it, but a stream whose time may be over may be gone for good. */
  #mayHaveEnded(): void {
    for (const incarnations of this.world.paths.values()) {
      const last = incarnations.at(-1);
      if (last?.removal === 'none' && this.#isOver(last, 'maybe')) last.removal = 'asked';
    }
  }

  /** Once its time is over nobody sees a stream, and the path is free or blocked by forks. */
  async lookAtLifetime(path: string): Promise<void> {
    const stream = this.world.paths.get(path)?.at(-1);
    if (!stream?.ttl || stream.removal !== 'none' || stream.state !== 'there' || !this.#isOver(stream, 'surely'))
      return;
    try {
      const head = await this.#headOf(path);
      if (head && head !== 'kept') throw new Error(`${path} lives longer than it may`);
      // Known to everyone, durable or not: a crash may bring it back.
      stream.removal = 'asked';
      this.world.expired += 1;
    } catch (error) {
      this.#refused(error);
    }
  }

  /** The head at a path, or `kept`, or that there is none. */
  async #headOf(path: string): Promise<Head | 'kept' | undefined> {
    try {
      return await this.#patiently(() => this.log.head(this.key(path)));
    } catch (error) {
      if (error instanceof MusterError && error.reason === 'kept_for_forks') return 'kept';
      throw error;
    }
  }

  async configure(path: string): Promise<void> {
    const stream = this.world.paths.get(path)?.at(-1);
    if (!stream || stream.trims) return;
    const began = this.world.tick();
    const change: Change = { number: 1000 + began, began, ended: Infinity, outcome: 'unknown' };
    this.world.changesOf(path).push(change);
    try {
      const head = await this.#using(stream, () =>
        this.log.configure(this.key(path), { retention: { maxMessages: change.number } }),
      );
      change.outcome = 'stored';
      change.streamNo = head.streamNo;
    } catch (error) {
      if (this.#refused(error)) change.outcome = 'refused';
    }
    if (!this.#over) change.ended = this.world.tick();
  }

  async append(path: string, options: { producer?: boolean; close?: boolean; again?: Attempt } = {}): Promise<void> {
    const stream = this.world.paths.get(path)?.at(-1);
    if (!stream) return;
    const attempt: Attempt = options.again ?? {
      path,
      texts: Array.from({ length: this.world.random() < 0.2 ? 3 : 1 }, () => this.world.text()),
      state: 'unknown',
      ...(options.producer ? { producer: nextProducer(stream) } : {}),
    };
    if (!options.again) stream.attempts.push(attempt);
    if (options.close && stream.close === 'none') stream.close = 'asked';
    try {
      const answer: Appended = await this.#using(stream, () =>
        this.log.append({
          key: this.key(path),
          messages: attempt.texts.map((text) => Buffer.from(text)),
          ...(attempt.producer ? { producer: attempt.producer } : {}),
          ...(options.close ? { close: true } : {}),
        }),
      );
      attempt.state = 'stored';
      this.world.acknowledged += 1;
      if (answer.outcome === 'stored') attempt.at = { era: parseOffset(answer.next)!.era, firstSeq: answer.firstSeq };
      if (options.close) stream.close = 'done';
    } catch (error) {
      if (this.#refused(error)) attempt.state = 'refused';
    }
  }

  async remove(path: string): Promise<void> {
    const stream = this.world.paths.get(path)?.at(-1);
    if (!stream || stream.removal !== 'none') return;
    stream.removal = 'asked';
    try {
      await this.log.remove(this.key(path), 'deleted');
      stream.removal = 'done';
      this.world.removals += 1;
    } catch (error) {
      if (this.#refused(error)) stream.removal = 'none';
    }
  }

  /** A follower that only looks. */
  async watch(path: string): Promise<void> {
    try {
      const at = this.log;
      const stream = this.world.paths.get(path)?.at(-1);
      if (!stream) return;
      const page = await this.#using(stream, () => at.read(this.key(path), 'start', all));
      this.#look(path, page.messages, page.next);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** A live follower from the start: what it gets is numbered by itself. */
  async follow(path: string): Promise<void> {
    try {
      const stream = this.world.paths.get(path)?.at(-1);
      const head = await this.log.head(this.key(path));
      if (!head || !stream) return;
      const { era, seq } = parseOffset(head.first)!;
      let at = seq;
      // What a fork inherited has the eras of its source.
      let known = !stream.fork;
      const sink: Sink = {
        form: 'raw',
        write: (shared) => {
          for (const bytes of shared) {
            at += 1;
            if (known && !this.dead) this.world.saw(path, era, at, Buffer.from(bytes).toString());
          }
          return 0;
        },
        gap: () => {
          known = false;
          return 'continue';
        },
        end: () => undefined,
      };
      await this.#using(stream, () => this.log.tail(this.key(path), 'start', sink));
    } catch (error) {
      this.#refused(error);
    }
  }

  #look(path: string, messages: readonly { seq: number; bytes: Uint8Array }[], next: Offset): void {
    const { era } = parseOffset(next)!;
    for (const { seq, bytes } of messages) this.world.saw(path, era, seq, Buffer.from(bytes).toString());
  }

  /** True when the log said no and nothing was stored; false when nobody knows. */
  #refused(error: unknown): boolean {
    if (error instanceof MusterError && (error.reason === 'log_failed' || error.reason === 'store_down')) return false;
    if (error instanceof MusterError) return true;
    throw error;
  }

  /* What must hold now. */

  async check(): Promise<void> {
    const kept = new Set<Incarnation>();
    for (const [path, incarnations] of this.world.paths) {
      if (!incarnations.at(-1)) continue;
      const head = await this.#headOf(path);
      if (head === undefined || head === 'kept') {
        const ended = this.#settleGone(incarnations);
        if (head === 'kept') kept.add(ended!);
        continue;
      }
      const stream = this.#settleThere(incarnations, head);
      await this.#checkContent(stream);
      if (stream.close === 'done') expect(head.closed, `${path} was closed and is open`).toBe(true);
      if (stream.close === 'asked') stream.close = head.closed ? 'done' : 'none';
      this.#checkConfiguration(stream, head);
    }
    for (const [path, incarnations] of this.world.paths) {
      const last = incarnations.at(-1);
      if (last?.removal === 'done' && this.#hasFork(last))
        expect(kept.has(last), `${path} is kept for its forks`).toBe(true);
    }
  }

  /** Whether a fork of it is there, or one that is kept for its own. All paths must be settled. */
  #hasFork(source: Incarnation): boolean {
    return [...this.world.paths.values()].some((incarnations) =>
      incarnations.some(
        (one) =>
          one.fork?.source === source &&
          (one.removal === 'none' ? one === incarnations.at(-1) : one.removal === 'done' && this.#hasFork(one)),
      ),
    );
  }

  /** Nothing is at the path, or only hidden; answers what ended there. */
  #settleGone(incarnations: Incarnation[]): Incarnation | undefined {
    const last = incarnations.at(-1) as Incarnation;
    const over = last.removal !== 'none' || this.#isOver(last, 'maybe');
    expect(over || last.state === 'unknown', `${last.path} is gone`).toBe(true);
    if (last.state === 'unknown' && last.removal === 'none') incarnations.pop();
    const ended = incarnations.at(-1);
    if (ended) ended.removal = 'done';
    return ended;
  }

  #settleThere(incarnations: Incarnation[], { streamNo }: Head): Incarnation {
    const last = incarnations.at(-1) as Incarnation;
    // It was over, its path was taken anew, and neither became durable: it is back.
    const before = incarnations.at(-2);
    if (before?.streamNo === streamNo) {
      expect(last.state, `${last.path} is an older stream`).toBe('unknown');
      expect(before.ttl && before.removal === 'asked', `${last.path} was removed and is back`).toBe(true);
      incarnations.pop();
    } else if (before) before.removal = 'done';
    const stream = incarnations.at(-1) as Incarnation;
    expect(stream.removal, `${stream.path} was removed and is back`).not.toBe('done');
    if (stream.streamNo !== undefined) expect(streamNo, `${stream.path} is another stream`).toBe(stream.streamNo);
    stream.streamNo = streamNo;
    stream.removal = 'none';
    stream.state = 'there';
    return stream;
  }

  /** Of two that were under way at once either may be the later; a refused one never was. */
  #checkConfiguration({ path, trims, began, streamNo }: Incarnation, head: Head): void {
    if (trims) return;
    const asked = this.world
      .changesOf(path)
      .filter(({ outcome, ended }) => outcome !== 'refused' && ended > began)
      .filter((change) => change.streamNo === undefined || change.streamNo === streamNo);
    const stored = asked.filter(({ outcome }) => outcome === 'stored');
    const last = asked.filter(({ ended }) => !stored.some((other) => other.began > ended));
    expect(
      [...(stored.length === 0 ? [undefined] : []), ...last.map(({ number }) => number)],
      `${path} has a configuration nobody asked for`,
    ).toContain(head.retention?.maxMessages);
    expect(head.version).toBeGreaterThan(stored.length);
    expect(head.version).toBeLessThanOrEqual(asked.length + 1);
  }

  /** When nothing waits for anything any more, nothing is kept for nobody. */
  async checkKept(): Promise<void> {
    for (const [path, incarnations] of this.world.paths) {
      // A sweep needs a while besides the time that the clock says.
      for (let tries = 0; ; tries++) {
        await this.pass(tries === 0 ? 31_000 : 1000);
        this.#mayHaveEnded();
        await this.check();
        const last = incarnations.at(-1);
        if (last?.removal !== 'done' || this.#hasFork(last) || (await this.#headOf(path)) !== 'kept') break;
        expect(tries, `${path} is kept for nobody`).toBeLessThan(2000);
      }
    }
  }

  /** All that can be read of it. Where old messages go, they may go between two pages: then from the start again. */
  async #contentOf(stream: Incarnation): Promise<{ got: string[]; era: number; trimmed: number }> {
    for (;;) {
      try {
        return await this.#pagesOf(stream);
      } catch (error) {
        if (!stream.trims || !(error instanceof MusterError) || error.reason !== 'offset_trimmed') throw error;
      }
    }
  }

  async #pagesOf(stream: Incarnation): Promise<{ got: string[]; era: number; trimmed: number }> {
    const { path } = stream;
    const got: string[] = [];
    let at: Offset | 'start' = 'start';
    let trimmed = -1;
    for (;;) {
      const from = at;
      const page = await this.#using(stream, () => this.#patiently(() => this.log.read(this.key(path), from, all)));
      for (const { seq, bytes } of page.messages) {
        if (trimmed < 0) trimmed = stream.trims ? seq - 1 : 0;
        expect(seq, `${path}: positions go up by one`).toBe(trimmed + got.length + 1);
        got.push(Buffer.from(bytes).toString());
      }
      this.#look(path, page.messages, page.next);
      if (page.upToDate) return { got, era: parseOffset(page.next)!.era, trimmed };
      at = page.next;
    }
  }

  async #checkContent(stream: Incarnation): Promise<void> {
    const { path } = stream;
    const { got, era, trimmed } = await this.#contentOf(stream);
    const where = new Map<string, number[]>();
    got.forEach((text, i) => where.set(text, [...(where.get(text) ?? []), trimmed + i + 1]));
    const mine = new Set<string>();
    for (const attempt of stream.attempts) {
      for (const text of attempt.texts) mine.add(text);
      const places = attempt.texts.map((text) => where.get(text) ?? []);
      for (const place of places) expect(place.length, `${path}: at most once`).toBeLessThanOrEqual(1);
      const first = places[0]?.[0];
      if (first === undefined && trimmed > 0) continue;
      if (first === undefined) {
        expect(attempt.state, `${path}: acknowledged ${attempt.texts[0]} is lost`).not.toBe('stored');
        for (const place of places) expect(place, `${path}: an append is whole or absent`).toEqual([]);
        continue;
      }
      expect(attempt.state, `${path}: a refused append is stored`).not.toBe('refused');
      expect(places.flat(), `${path}: an append is whole and in order`).toEqual(attempt.texts.map((_, i) => first + i));
      if (attempt.at) expect({ era, firstSeq: first }, `${path}: acknowledged at another position`).toEqual(attempt.at);
      attempt.state = 'stored';
      attempt.at = { era, firstSeq: first };
    }
    const inherited = got.filter((text) => !mine.has(text));
    const whole = stream.fork?.inherited ?? [];
    expect(inherited, `${path}: never sent here, or not inherited like this`).toEqual(
      stream.trims ? whole.slice(whole.length - inherited.length) : whole,
    );
    expect(got.slice(0, inherited.length), `${path}: what is inherited comes first`).toEqual(inherited);
  }

  /** Sends every producer's last append again: it must be known, or be stored now, once. */
  async repeat(): Promise<void> {
    for (const [path, incarnations] of this.world.paths) {
      const stream = incarnations.at(-1);
      if (!stream || stream.state !== 'there' || stream.removal !== 'none' || stream.close !== 'none') continue;
      const last = stream.attempts.findLast((attempt) => attempt.producer && attempt.state !== 'refused');
      if (!last?.producer) continue;
      if (last.state === 'stored') {
        const { producer } = last;
        const again = { key: this.key(path), messages: [Buffer.from('other')], producer };
        const answer = await this.#patiently(() => this.log.append(again));
        expect(answer, `${path}: a repeat is recognised`).toMatchObject({
          outcome: 'duplicate',
          lastSeq: last.at!.firstSeq + last.texts.length - 1,
        });
      } else await this.append(path, { again: last });
    }
  }

  /** Everything is in Postgres, and Postgres has the same. */
  async checkRows(db: Db): Promise<void> {
    await until(
      async () => {
        await this.clock.advance(400);
        const { flushedTo, tip } = await this.log.barrier();
        return flushedTo === tip || this.mismatches.length > 0;
      },
      { withinMs: 20_000, everyMs: 1 },
    );
    expect(this.mismatches).toEqual([]);
    for (const path of this.world.paths.keys()) {
      const head = await this.#headOf(path);
      const rows = await db.query<{
        seq: number;
        count: number;
        payload: Buffer;
        tail_seq: number;
        closed: boolean;
        inherited: number;
        kept: boolean;
      }>(sql`
        select m.seq, m.count, m.payload, s.tail_seq, s.closed_at is not null as closed, coalesce(s.fork_seq, 0) as inherited,
          s.kept_at is not null as kept from streams s
        left join stream_messages m on m.stream_no = s.stream_no and m.seq + m.count > s.first_seq
        where s.path = ${path} and s.removed_at is null order by m.seq`);
      if (!head) {
        expect(rows, `${path} is gone, its row is not`).toEqual([]);
        continue;
      }
      if (head === 'kept') {
        expect(rows[0], `${path} is kept, its row is not`).toMatchObject({ kept: true });
        continue;
      }
      const { inherited = 0 } = rows[0] ?? {};
      expect(rows[0], `${path} has no row`).toMatchObject({
        tail_seq: parseOffset(head.tail)!.seq,
        closed: head.closed,
      });
      const got = rows.filter(({ payload }) => payload !== null).map(({ payload }) => payload.toString());
      const logged: string[] = [];
      for (let at: Offset | 'start' = 'start'; ; ) {
        const from = at;
        const page = await this.#patiently(() => this.log.read(this.key(path), from, all));
        const own = page.messages.filter(({ seq }) => seq > inherited);
        logged.push(...own.map(({ bytes }) => Buffer.from(bytes).toString()));
        if (page.upToDate) break;
        at = page.next;
      }
      expect(got.join(''), `${path}: rows differ from the log`).toBe(logged.join(''));
    }
  }
}
