import type { ProjectEventRecord } from '@muster/protocol';
import { asError, type Clock, MusterError, randomToken, type Service } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Log, StreamKey } from '#kernel/log';
import type { Logger } from '#kernel/telemetry';
import { runningLimits } from './limits.ts';
import {
  type ProjectEventRow,
  readProjectEvents,
  readToldUntil,
  takePublishing,
  writeToldUntil,
} from './queries/audit.ts';

/* Changes of people, keys, projects and streams, from the audit log to `projects/<prj>/events`: what was done by whom, without
 * values and addresses. How far they were told is kept with what was told; a process that begins, or did not come to its end,
 * asks each stream what it holds already. A row stands under the time its transaction began, so it may come to be seen after younger ones: every
 * look goes back by `overlapMs`. While somebody asks or follows there is a look every second, else now and then. */

const everyMs = 1_000;
const quietMs = 15_000;
const askedForMs = 60_000;
const overlapMs = 30_000;
const keptIdsMs = 10 * 60_000;
const batchesMax = 20;
const tailRead = 1_000;

export const projectEventsKey = (projectId: string): StreamKey => ({ projectId, path: `projects/${projectId}/events` });

type Deps = { db: Db; log: Log; clock: Clock; logger: Logger };

export class ProjectEvents implements Service {
  readonly #deps: Deps;
  /** Ids told, with their times; those older than any look goes back are forgotten. */
  readonly #told = new Map<string, number>();
  readonly #known = new Set<string>();
  readonly #me = randomToken(9);
  #timer: Disposable | undefined;
  #work: Promise<void> = Promise.resolve();
  #running = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#plan(everyMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    await this.#work;
  }

  /** Brings everything committed so far to the streams, for somebody who reads them. */
  published(): Promise<void> {
    if (this.#deps.clock.monotonic() - this.#askedAt > askedForMs && this.#running) this.#plan(everyMs);
    this.#askedAt = this.#deps.clock.monotonic();
    return this.#look();
  }

  #look(): Promise<void> {
    this.#work = this.#work.then(() => this.#pass());
    return this.#work;
  }

  #plan(afterMs: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#deps.clock.after(afterMs, () => {
      void this.#look()
        .then(() => this.#asked())
        .then((asked) => {
          if (this.#running) this.#plan(asked ? everyMs : quietMs);
        });
    });
  }

  async #asked(): Promise<boolean> {
    const { clock, log } = this.#deps;
    if (clock.monotonic() - this.#askedAt < askedForMs) return true;
    for (const projectId of this.#known) {
      const head = await log.head(projectEventsKey(projectId)).catch(() => undefined);
      if (head && head.followers > 0) return true;
    }
    return false;
  }

  async #pass(): Promise<void> {
    const { db, logger } = this.#deps;
    try {
      await db.transaction(async (tx) => {
        if (!(await takePublishing(tx))) return;
        const { at: since, by } = await readToldUntil(tx);
        // Another process told since, so what this one remembers of the streams is not the whole.
        if (by !== this.#me) this.#known.clear();
        let until = since;
        let told = 0;
        let after = { at: new Date(since - overlapMs), id: '' };
        for (let batch = 0; batch < batchesMax; batch++) {
          const rows = await readProjectEvents(tx, after, runningLimits.eventsBatchMax);
          for (const [projectId, mine] of Map.groupBy(rows, (row) => row.projectId))
            told += await this.#tell(projectId, mine);
          const last = rows.at(-1);
          if (last) until = Math.max(until, last.at.getTime());
          if (!last || rows.length < runningLimits.eventsBatchMax) break;
          after = { at: last.at, id: last.id };
        }
        if (told > 0 || until > since) writeToldUntil(tx, { at: until, by: this.#me });
        this.#forget(until);
      });
    } catch (error) {
      // What was appended is in doubt.
      this.#known.clear();
      logger.warn(
        { error: asError(error) },
        'changes of people and streams were not told; they stand in the audit log',
      );
    }
  }

  async #tell(projectId: string, rows: readonly ProjectEventRow[]): Promise<number> {
    const key = projectEventsKey(projectId);
    if (!this.#known.has(projectId)) {
      for (const { id, at } of await this.#toldIn(key)) this.#told.set(id, Date.parse(at));
      this.#known.add(projectId);
    }
    const fresh = rows.filter(({ id }) => !this.#told.has(id));
    if (fresh.length === 0) return 0;
    const messages = fresh.map((row) => Buffer.from(JSON.stringify(recordOf(row))));
    const { log } = this.#deps;
    await log.append({ key, messages }).catch(async (error: unknown) => {
      if (!(error instanceof MusterError) || error.code !== 'notFound') throw error;
      await ensureProjectEvents(log, key);
      await log.append({ key, messages });
    });
    for (const { id, at } of fresh) this.#told.set(id, at.getTime());
    return fresh.length;
  }

  async #toldIn(key: StreamKey): Promise<ProjectEventRecord[]> {
    const { log } = this.#deps;
    const head = await log.head(key);
    if (!head || head.messages === 0) return [];
    const from = Number(head.tail.slice(17)) - tailRead;
    const era = head.tail.slice(0, 17);
    const sameEra = head.first.slice(0, 17) === era;
    const start = from <= 0 || (sameEra && from <= Number(head.first.slice(17)));
    const page = await log.read(key, start ? 'start' : `${era}${String(from).padStart(16, '0')}`, {
      bytes: 4 * 2 ** 20,
      messages: tailRead,
    });
    // Written by `recordOf`.
    return page.messages.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as ProjectEventRecord);
  }

  #forget(until: number): void {
    const before = until - keptIdsMs;
    for (const [id, at] of this.#told) if (at < before) this.#told.delete(id);
  }
}

const recordOf = ({ id, at, action, subject, actorKind, actor, outcome }: ProjectEventRow): ProjectEventRecord => ({
  id,
  at: at.toISOString(),
  action,
  subject,
  actorKind,
  actor,
  outcome,
});

export async function ensureProjectEvents(log: Log, key: StreamKey): Promise<void> {
  if (await log.head(key)) return;
  await log.create({
    key,
    contentType: 'application/json',
    retention: { maxAgeMs: runningLimits.eventsKeptMs },
  });
}
