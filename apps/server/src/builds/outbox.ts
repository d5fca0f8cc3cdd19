import { asError, type Clock, MusterError, randomToken, reach, type Service } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Logger } from '#kernel/telemetry';
import { appendEventsOnce, type Numbered } from './append-once.ts';
import type { SystemLine } from './build-log-actor.ts';
import type { BuildLogs } from './build-logs.ts';
import { dispatchLimits } from './dispatch-limits.ts';
import { Gather } from './gather.ts';
import type { BuildMetrics } from './metrics.ts';
import {
  deleteOutbox,
  type OutboxRow,
  outboxWaits,
  outboxWaitsAtAll,
  setOutboxHolder,
  takeOutbox,
} from './queries/outbox.ts';
import { buildEventsKey, eventsKeptMs, projectEventsKey } from './stream-keys.ts';

/* Brings rows of the outbox to their streams, in order, each exactly once. One pass = one transaction: take the lock,
 * read the oldest rows, append them (one append per stream), delete them, commit. It is
 *  idle     – no pass runs;
 *  flushing – one runs; whoever wants another waits for the next one, together with all others;
 *  waiting  – the last one failed; the next comes after a backoff;
 *  stopped  – for good.
 * A pass that did not end (crash, lost connection, a log that failed) may have appended without deleting. So the first
 * pass after such an end is wary: it asks each stream what it holds already. Which ends those were is told by `#clean`
 * for this process, and by another name in the holder row for every other one. */

type Deps = { db: Db; log: Log; clock: Clock; logger: Logger; metrics: BuildMetrics; logs: BuildLogs; nodeId: string };

const passRowsMax = 500;
const sweepEveryMs = 1_000;
/** A build that goes to a parked worker is submitted and assigned within this: one pass tells both, after the worker has it. */
const kickAfterMs = 4;
const backoffMs = { first: 100, max: 5_000 };

export class Outbox implements Service {
  readonly #deps: Deps;
  readonly #me: string;
  /** Who asks at once is answered by one statement. */
  readonly #waits: Gather<string, boolean>;
  #clean = false;
  #pass: Promise<number> | undefined;
  #next: Promise<number> | undefined;
  #timer: Disposable | undefined;
  #soon: Disposable | undefined;
  #failures = 0;
  #running = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#me = `${deps.nodeId} ${randomToken(9)}`;
    this.#waits = new Gather(
      async (buildIds) => {
        const waiting = await outboxWaits(deps.db, buildIds);
        return buildIds.map((id) => waiting.has(id));
      },
      { most: dispatchLimits.readBatchMax },
    );
  }

  async start(): Promise<void> {
    this.#running = true;
    this.#plan(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    this.#soon?.[Symbol.dispose]();
    await Promise.allSettled([this.#pass, this.#next]);
  }

  /** Something was committed: flush soon, together with what follows at once. Errors are logged and tried again. */
  kick(): void {
    if (!this.#running || this.#next || this.#failures > 0) return;
    this.#soon ??= this.#deps.clock.after(kickAfterMs, () => {
      this.#soon = undefined;
      this.#run();
    });
  }

  /** Resolves when all rows of this build that are committed now lie in their streams. */
  async flush(buildId: string): Promise<void> {
    if (await this.#waits.do(buildId)) await this.flushNow(buildId);
  }

  /** As `flush`, for whoever knows that rows wait: a pass that begins now and is not full takes them all. */
  async flushNow(buildId: string): Promise<void> {
    while ((await this.#passFromNow()) === passRowsMax) if (!(await this.#waits.do(buildId))) return;
  }

  /** As `flush`, for all builds. */
  async flushAll(): Promise<void> {
    while (await outboxWaitsAtAll(this.#deps.db)) await this.#passFromNow();
  }

  /** A pass that begins after this call, shared with everybody who asked meanwhile. */
  #passFromNow(): Promise<number> {
    if (!this.#pass) {
      this.#pass = this.#onePass().finally(() => {
        this.#pass = undefined;
      });
      return this.#pass;
    }
    this.#next ??= this.#pass
      .catch(() => 0)
      .then(() => {
        this.#next = undefined;
        return this.#passFromNow();
      });
    return this.#next;
  }

  #run(): void {
    this.#passFromNow().then(
      (taken) => this.#went(taken),
      (error: unknown) => {
        this.#failures++;
        this.#deps.logger.warn(
          { error: asError(error), failures: this.#failures },
          'outbox not flushed; rows are kept',
        );
      },
    );
  }

  #went(taken: number): void {
    this.#failures = 0;
    if (taken === passRowsMax && this.#running) this.#run();
  }

  /** Looks for rows that nobody kicked for: a crashed process left them, or a pass failed. */
  #plan(afterMs: number): void {
    if (!this.#running) return;
    this.#timer = this.#deps.clock.after(afterMs, () => void this.#sweep().finally(() => this.#plan(this.#pauseMs())));
  }

  #pauseMs(): number {
    return this.#failures === 0 ? sweepEveryMs : Math.min(backoffMs.first * 2 ** this.#failures, backoffMs.max);
  }

  async #sweep(): Promise<void> {
    try {
      while (this.#running && (await outboxWaitsAtAll(this.#deps.db))) await this.#passFromNow();
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      this.#deps.logger.warn({ error: asError(error), failures: this.#failures }, 'outbox not flushed; rows are kept');
    }
  }

  async #onePass(): Promise<number> {
    const wary = !this.#clean;
    this.#clean = false;
    const { db } = this.#deps;
    const taken = await db.transaction(async (tx) => {
      const { holder, rows } = await takeOutbox(tx, passRowsMax);
      if (rows.length === 0) return 0;
      const mine = holder === this.#me;
      // By itself and before anything is appended: a crash in here shows to whoever comes next.
      if (!mine) await db.transaction((own) => setOutboxHolder(own, this.#me));
      await this.#deliver(rows, wary || !mine);
      await reach('outbox.delivered');
      deleteOutbox(
        tx,
        rows.map((row) => row.id),
      );
      return rows.length;
    });
    this.#clean = true;
    return taken;
  }

  /** One append per stream. Every one is waited for, so that nothing is still on its way when the rows are let go. */
  async #deliver(rows: readonly OutboxRow[], wary: boolean): Promise<void> {
    const { log, logs } = this.#deps;
    const born = new Set(rows.filter((row) => row.event?.type === 'submitted').map((row) => row.buildId));
    const work: Promise<void>[] = [];
    for (const [projectId, mine] of group(rows, (row) => (row.event ? row.projectId : null))) {
      const how = { wary, isNew: false, retentionMs: eventsKeptMs };
      work.push(appendEventsOnce(log, projectEventsKey(projectId), mine.map(encodeEvent), how));
    }
    for (const [buildId, mine] of group(rows, (row) => row.buildId)) {
      const projectId = mine[0]?.projectId ?? '';
      const isNew = born.has(buildId);
      const events = mine.filter((row) => row.event).map(encodeEvent);
      const lines = mine.flatMap(systemLineOf);
      const how = { wary, isNew, retentionMs: eventsKeptMs };
      if (events.length > 0) work.push(appendEventsOnce(log, buildEventsKey(projectId, buildId), events, how));
      if (lines.length > 0) work.push(logs.of(projectId, buildId).appendSystem(lines, { wary, isNew }));
    }
    for (const outcome of await Promise.allSettled(work)) {
      if (outcome.status === 'rejected') this.#refused(outcome.reason);
    }
  }

  /** A stream that will never take its records must not hold up all others; anything else is tried again. */
  #refused(error: unknown): void {
    const forGood = error instanceof MusterError && ['invalid', 'conflict', 'forbidden'].includes(error.code);
    if (!forGood) throw error;
    // A build that is over has a closed log (close-logs.ts); what is said of it afterwards is in its events.
    if (error.reason === 'stream_closed') return;
    this.#deps.metrics.outboxDropped.add({ reason: error.reason });
    this.#deps.logger.error({ error }, 'a stream refused events of the outbox for good; dropped');
  }
}

function group(rows: readonly OutboxRow[], keyOf: (row: OutboxRow) => string | null): Map<string, OutboxRow[]> {
  const groups = new Map<string, OutboxRow[]>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === null) continue;
    const mine = groups.get(key);
    if (mine) mine.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** `id` comes first: a repeat is looked for by it. */
function encodeEvent(row: OutboxRow): Numbered {
  const { type, ...rest } = row.event ?? { type: 'none' };
  const record = {
    id: row.id,
    type,
    at: row.at.toISOString(),
    ...(row.buildId === null ? {} : { buildId: row.buildId, term: row.term }),
    ...rest,
  };
  return { id: row.id, bytes: Buffer.from(JSON.stringify(record)) };
}

function systemLineOf(row: OutboxRow): SystemLine[] {
  return row.line ? [{ id: row.id, at: row.at, attempt: row.term, ...row.line }] : [];
}
