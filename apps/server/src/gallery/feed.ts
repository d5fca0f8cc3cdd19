import { type Activity, activityEmoji } from '@muster/protocol';
import { asError, type Clock, MusterError, reach, type Service } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Log, Message, StreamKey, View } from '#kernel/log';
import type { Logger } from '#kernel/telemetry';
import { roomLimits } from './limits.ts';
import {
  type ActivityRow,
  feedWaits,
  flushCommits,
  markPublished,
  takeUnpublished,
  unpublishedProjects,
} from './queries/activity.ts';

/* Brings rows of `gallery_activity` to the stream of their project, in order, each exactly once. One pass of a project = one
 * transaction: take the right, read the oldest rows that wait, append them, mark them, commit. A pass that died after its
 * append is recognised by the ids at the end of the stream: the first pass of a process looks there, and so does the first
 * one after a failure. A bot's own stream is a view of the same positions. */

const sweepEveryMs = 1_000;
const kickAfterMs = 5;
/** While days pass in seconds each pass takes more at once. */
const kickAfterHeldMs = 500;
/** A pass appends at most this many; a repeat lies within the last two of them. */
const repeatWindow = roomLimits.publishBatchMax * 2;
const keptMs = 30 * 86_400_000;

export const feedKey = (projectId: string): StreamKey => ({ projectId, path: 'gallery/activity' });

type Deps = {
  db: Db;
  log: Log;
  clock: Clock;
  logger: Logger;
  tookMs: (ms: number) => void;
  /** The clock of the gallery stands for a simulation, whose commits do not wait for the disk. */
  held: () => boolean;
};

export class Feed implements Service {
  readonly #deps: Deps;
  /** Projects whose stream this process has filled without a doubt since its start or its last failure. */
  readonly #sure = new Set<string>();
  readonly #passes = new Map<string, Promise<number>>();
  readonly #soon = new Map<string, Disposable>();
  #sweep: Disposable | undefined;
  #sweeping: Promise<void> | undefined;
  #running = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#running = true;
    this.#plan(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#sweep?.[Symbol.dispose]();
    for (const soon of this.#soon.values()) soon[Symbol.dispose]();
    await Promise.allSettled([this.#sweeping, ...this.#passes.values()]);
  }

  /** Rows of this project were committed. */
  kick(projectId: string): void {
    if (!this.#running || this.#soon.has(projectId)) return;
    this.#soon.set(
      projectId,
      this.#deps.clock.after(this.#deps.held() ? kickAfterHeldMs : kickAfterMs, () => {
        this.#soon.delete(projectId);
        this.#publish(projectId).catch((error: unknown) => this.#complain(error));
      }),
    );
  }

  /** Resolves when all that was committed of this project before the call lies in its stream. */
  async published(projectId: string): Promise<void> {
    await this.#passes.get(projectId)?.catch(() => 0);
    await this.#publish(projectId);
  }

  async #publish(projectId: string): Promise<void> {
    do {
      if ((await this.#onePass(projectId)) < roomLimits.publishBatchMax) return;
    } while (await feedWaits(this.#deps.db, projectId));
  }

  #onePass(projectId: string): Promise<number> {
    const under = this.#passes.get(projectId);
    if (under) return under;
    const pass = this.#pass(projectId).finally(() => this.#passes.delete(projectId));
    this.#passes.set(projectId, pass);
    return pass;
  }

  async #pass(projectId: string): Promise<number> {
    const { db, clock, tookMs, held } = this.#deps;
    const wary = !this.#sure.has(projectId);
    this.#sure.delete(projectId);
    const count = await db.transaction(async (tx) => {
      const rows = await takeUnpublished(tx, projectId, roomLimits.publishBatchMax);
      const [oldest] = rows;
      if (!oldest) return 0;
      // The stream must not outlive a row: these are on disk before it hears of them.
      if (held()) await flushCommits(db);
      await this.#append(projectId, rows, wary);
      await reach('gallery.publish');
      markPublished(
        tx,
        projectId,
        rows.map((row) => row.seq),
      );
      tookMs(Math.max(0, clock.now() - oldest.at.getTime()));
      return rows.length;
    });
    this.#sure.add(projectId);
    return count;
  }

  async #append(projectId: string, rows: readonly ActivityRow[], wary: boolean): Promise<void> {
    const { log } = this.#deps;
    const key = feedKey(projectId);
    const known = wary ? await this.#lastIds(key) : new Set<string>();
    const messages = rows
      .filter(({ id }) => !known.has(id))
      .map((row) => Buffer.from(JSON.stringify(showActivity(row))));
    if (messages.length === 0) return;
    try {
      await log.append({ key, messages });
    } catch (error) {
      if (!(error instanceof MusterError) || error.code !== 'notFound') throw error;
      await ensureStream(log, key);
      await log.append({ key, messages });
    }
  }

  async #lastIds(key: StreamKey): Promise<Set<string>> {
    const { log } = this.#deps;
    const head = await log.head(key);
    const ids = new Set<string>();
    if (!head) return ids;
    let at = offsetBack(head.tail, head.first, repeatWindow);
    for (;;) {
      const page = await log.read(key, at, { bytes: 2 ** 20, messages: 1_000 });
      for (const { bytes } of page.messages) ids.add(idIn(bytes));
      if (page.upToDate || page.messages.length === 0) return ids;
      at = page.next;
    }
  }

  #plan(afterMs: number): void {
    if (!this.#running) return;
    this.#sweep = this.#deps.clock.after(afterMs, () => {
      this.#sweeping = this.#look().finally(() => this.#plan(sweepEveryMs));
    });
  }

  /** Rows nobody kicked for: another part wrote them, a process died, a pass failed. */
  async #look(): Promise<void> {
    try {
      for (const projectId of await unpublishedProjects(this.#deps.db)) await this.#publish(projectId);
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    this.#deps.logger.warn({ error: asError(error) }, 'the feed of the gallery was not published; its rows are kept');
  }
}

export async function ensureStream(log: Log, key: StreamKey): Promise<void> {
  if (await log.head(key)) return;
  await log.create({ key, contentType: 'application/json', retention: { maxAgeMs: keptMs } });
}

/** The id stands behind the number, so it is read without parsing the rest. */
function idIn(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 80)).toString('latin1');
  return /^\{"seq":\d+,"id":"([^"]+)"/.exec(start)?.[1] ?? '';
}

/** So many messages before the tail, within its era. */
function offsetBack(tail: string, first: string, count: number): string {
  const from = Number(tail.slice(17)) - count;
  const sameEra = first.slice(0, 16) === tail.slice(0, 16);
  if (from <= 0 || (sameEra && from <= Number(first.slice(17)))) return 'start';
  return `${tail.slice(0, 17)}${String(from).padStart(16, '0')}`;
}

export function showActivity(row: ActivityRow): Activity {
  return {
    seq: row.seq,
    id: row.id,
    botId: row.botId,
    botName: row.botName,
    personaId: row.personaId,
    type: row.type,
    emoji: activityEmoji[row.type],
    message: row.message,
    at: row.at.toISOString(),
    automated: true,
    ...(row.thoughtId === null ? {} : { thoughtId: row.thoughtId }),
    data: row.data,
  };
}

/** Views of single bots on the feed of their project; kept, so that those who follow the same bot share what is encoded. */
export class BotViews {
  readonly #views = new Map<string, View>();

  of(botId: string): View {
    const known = this.#views.get(botId);
    if (known) return known;
    const [oldest] = this.#views.keys();
    if (this.#views.size >= roomLimits.botViewsMax && oldest !== undefined) this.#views.delete(oldest);
    const mark = Buffer.from(`,"botId":"${botId}",`);
    const view: View = { name: `bot ${botId}`, keep: (message: Message) => marked(message.bytes, mark) };
    this.#views.set(botId, view);
    return view;
  }
}

/** The mark stands near the beginning, before anything that somebody wrote. */
const marked = (bytes: Uint8Array, mark: Buffer): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 160)).includes(mark);
