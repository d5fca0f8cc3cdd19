/**
 * A world for the log: one simulated disk, one real database, and a witness that remembers what was acknowledged and what
 * readers saw, over any number of lives.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'vitest';
import { FakeClock, MusterError, type Random, unavailable } from '#kernel/base';
import { type Db, sql, type Tx } from '#kernel/db';
import {
  type Appended,
  createLog,
  type Log,
  type LogLimits,
  type Offset,
  parseOffset,
  type StreamKey,
} from '#kernel/log';
import { until } from '#test/until';
import { type SimDisk, type SimProcess } from './sim-disk.ts';

export const dir = '/log';
const all = { bytes: 1024 * 1024, messages: 1000 };

/** A database connection that dies with its process: afterwards nothing gets through, and nobody hears what got through. */
function mortal(db: Db): { db: Db; die(): void; settled(): Promise<unknown>; away: { after: number } } {
  let dead = false;
  /** Counts down at each commit; at 0 its answer is lost, and so is everything until it is set again. */
  const away = { after: Number.POSITIVE_INFINITY };
  const open = new Set<Promise<unknown>>();
  const gone = (): Error => unavailable('store_down', 'this process is dead');
  function through<T>(act: () => Promise<T>): Promise<T> {
    if (dead) return Promise.reject(gone());
    if (away.after <= 0) return Promise.reject(gone());
    const running = act().then((value) => {
      if (dead || away.after <= 0) throw gone();
      return value;
    });
    open.add(running);
    void running.catch(() => undefined).finally(() => open.delete(running));
    return running;
  }
  const mine: Db = {
    start: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    query: (statement) => through(() => db.query(statement)),
    transaction: (body, options) =>
      through(() =>
        db.transaction((tx) => {
          const cut: Tx = {
            inTransaction: true,
            query: (statement) => (dead ? Promise.reject(gone()) : tx.query(statement)),
            afterCommit: (effect) => tx.afterCommit(effect),
          };
          return body(cut).then((value) => {
            if (dead) throw gone();
            away.after -= 1;
            return value;
          });
        }, options),
      ),
    listen: () => ({ [Symbol.dispose]: () => undefined }),
    notify: () => Promise.resolve(),
    healthy: () => !dead,
  };
  return {
    db: mine,
    away,
    die: () => {
      dead = true;
    },
    settled: () => Promise.allSettled(open),
  };
}

type Attempt = {
  path: string;
  texts: string[];
  producer?: { id: string; epoch: number; seq: number };
  state: 'unknown' | 'stored' | 'refused';
  at?: { era: number; firstSeq: number };
  ask?: number;
};
type Incarnation = {
  path: string;
  state: 'unknown' | 'there';
  removal: 'none' | 'asked' | 'done';
  close: 'none' | 'asked' | 'done';
  attempts: Attempt[];
};

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
  #texts = 0;
  lives = 0;
  acknowledged = 0;

  constructor(seed: number, disk: SimDisk, random: Random, db: Db, limits: Partial<LogLimits>) {
    this.seed = seed;
    this.disk = disk;
    this.random = random;
    this.#db = db;
    this.limits = limits;
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
    this.process.stop();
    this.#db.die();
    this.ended.resolve();
  }

  /** Starts, with time going on; resolves when ready or dead. */
  async start(): Promise<void> {
    const starting = this.log.start();
    starting.catch(() => undefined);
    await Promise.race([starting, this.ended.promise]);
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
    const made: Incarnation = { path, state: 'unknown', removal: 'none', close: 'none', attempts: [] };
    this.world.paths.set(path, [...before, made]);
    try {
      await this.log.create({
        key: this.key(path),
        contentType: 'text/plain',
        ...(path.startsWith('kept') ? { retention: { maxMessages: 6 } } : {}),
      });
      made.state = 'there';
    } catch (error) {
      this.#unknownOnly(error);
    }
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
      const answer: Appended = await this.log.append({
        key: this.key(path),
        messages: attempt.texts.map((text) => Buffer.from(text)),
        ...(attempt.producer ? { producer: attempt.producer } : {}),
        ...(options.close ? { close: true } : {}),
      });
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
    } catch (error) {
      if (this.#refused(error)) stream.removal = 'none';
    }
  }

  /** A follower that only looks. */
  async watch(path: string): Promise<void> {
    try {
      const at = this.log;
      const page = await at.read(this.key(path), 'start', all);
      this.#look(path, page.messages, page.next);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** A live follower from the start: what it gets is numbered by itself. */
  async follow(path: string): Promise<void> {
    try {
      const head = await this.log.head(this.key(path));
      if (!head) return;
      const { era, seq } = parseOffset(head.first)!;
      let at = seq;
      let known = true;
      await this.log.tail(this.key(path), 'start', {
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
      });
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

  #unknownOnly(error: unknown): void {
    if (this.#refused(error)) throw error;
  }

  /* What must hold now. */

  async check(): Promise<void> {
    for (const [path, incarnations] of this.world.paths) {
      const last = incarnations.at(-1);
      if (!last) continue;
      const head = await this.log.head(this.key(path));
      const mayBeGone = last.removal !== 'none' || last.state === 'unknown';
      if (!head) {
        expect(mayBeGone, `${path} is gone`).toBe(true);
        this.#settleGone(incarnations);
        continue;
      }
      const stream = last;
      expect(stream.removal, `${path} was removed and is back`).not.toBe('done');
      stream.removal = 'none';
      stream.state = 'there';
      await this.#checkContent(stream);
      if (stream.close === 'done') expect(head.closed, `${path} was closed and is open`).toBe(true);
      if (stream.close === 'asked') stream.close = head.closed ? 'done' : 'none';
    }
  }

  #settleGone(incarnations: Incarnation[]): void {
    const last = incarnations.at(-1) as Incarnation;
    if (last.state === 'unknown' && last.removal === 'none') incarnations.pop();
    else last.removal = 'done';
  }

  async #checkContent(stream: Incarnation): Promise<void> {
    const { path } = stream;
    const got: string[] = [];
    let at: Offset | 'start' = 'start';
    let era = 0;
    let trimmed = -1;
    for (;;) {
      const page = await this.log.read(this.key(path), at, all);
      ({ era } = parseOffset(page.next)!);
      for (const { seq, bytes } of page.messages) {
        if (trimmed < 0) trimmed = path.startsWith('kept') ? seq - 1 : 0;
        expect(seq, `${path}: positions go up by one`).toBe(trimmed + got.length + 1);
        got.push(Buffer.from(bytes).toString());
      }
      this.#look(path, page.messages, page.next);
      if (page.upToDate) break;
      at = page.next;
    }
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
    for (const text of got) expect(mine.has(text), `${path}: ${text} was never sent here`).toBe(true);
  }

  /** Sends every producer's last append again: it must be known, or be stored now, once. */
  async repeat(): Promise<void> {
    for (const [path, incarnations] of this.world.paths) {
      const stream = incarnations.at(-1);
      if (!stream || stream.state !== 'there' || stream.removal !== 'none' || stream.close !== 'none') continue;
      const last = stream.attempts.findLast((attempt) => attempt.producer && attempt.state !== 'refused');
      if (!last?.producer) continue;
      if (last.state === 'stored') {
        const answer = await this.log.append({
          key: this.key(path),
          messages: [Buffer.from('other')],
          producer: last.producer,
        });
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
      const head = await this.log.head(this.key(path));
      const rows = await db.query<{
        seq: number;
        count: number;
        payload: Buffer;
        tail_seq: number;
        closed: boolean;
      }>(sql`
        select m.seq, m.count, m.payload, s.tail_seq, s.closed_at is not null as closed from streams s
        left join stream_messages m on m.stream_no = s.stream_no and m.seq + m.count > s.first_seq
        where s.path = ${path} and s.removed_at is null order by m.seq`);
      if (!head) {
        expect(rows, `${path} is gone, its row is not`).toEqual([]);
        continue;
      }
      expect(rows[0], `${path} has no row`).toMatchObject({
        tail_seq: parseOffset(head.tail)!.seq,
        closed: head.closed,
      });
      const got = rows.filter(({ payload }) => payload !== null).map(({ payload }) => payload.toString());
      const logged: string[] = [];
      for (let at: Offset | 'start' = 'start'; ; ) {
        const page = await this.log.read(this.key(path), at, all);
        logged.push(...page.messages.map(({ bytes }) => Buffer.from(bytes).toString()));
        if (page.upToDate) break;
        at = page.next;
      }
      expect(got.join(''), `${path}: rows differ from the log`).toBe(logged.join(''));
    }
  }
}

function nextProducer(stream: Incarnation): { id: string; epoch: number; seq: number } {
  // One producer per stream, one request at a time: the next seq follows the last one that may be stored.
  const known = stream.attempts.filter((attempt) => attempt.producer && attempt.state !== 'refused').length;
  return { id: 'sim', epoch: 0, seq: known };
}
