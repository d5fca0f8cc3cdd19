import type { GalleryBot, GalleryBotChanges } from '@muster/protocol';
import { asError, type Clock, MusterError, type Service } from '#kernel/base';
import type { Log, StreamKey } from '#kernel/log';
import type { Logger } from '#kernel/telemetry';
import { roomLimits } from './limits.ts';

/* How bots are now, for whoever shows lists of them: `gallery/events`. Changes of one second are gathered and told in one
 * record, each bot as its row is by then, so a hundred acts a second cost one look and one append. Nothing is looked at while
 * nobody follows. It is a hint, not a history: what happened stands in `gallery/activity`. */

const everyMs = 1_000;
const keptMs = 10 * 60_000;

export const changesKey = (projectId: string): StreamKey => ({ projectId, path: 'gallery/events' });

type Deps = {
  log: Log;
  clock: Clock;
  logger: Logger;
  show: (projectId: string, ids: readonly string[]) => Promise<GalleryBot[]>;
};
/** `many`: more than can be named; whoever shows a list reads it again. */
type Waiting = { ids: Set<string>; many: boolean };

export class BotChanges implements Service {
  readonly #deps: Deps;
  readonly #waiting = new Map<string, Waiting>();
  #timer: Disposable | undefined;
  #telling: Promise<void> | undefined;
  #running = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#running = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    await this.#telling;
  }

  /** After a commit. Without ids: bots that nobody names. */
  changed(projectId: string, botIds: readonly string[] | undefined): void {
    if (!this.#running) return;
    const waiting = this.#waiting.get(projectId) ?? { ids: new Set<string>(), many: false };
    this.#waiting.set(projectId, waiting);
    for (const id of botIds ?? []) if (waiting.ids.size < roomLimits.changedIdsMax) waiting.ids.add(id);
    if (botIds === undefined || waiting.ids.size >= roomLimits.changedIdsMax) waiting.many = true;
    this.#timer ??= this.#deps.clock.after(everyMs, () => {
      this.#timer = undefined;
      this.#telling = (this.#telling ?? Promise.resolve()).then(() => this.#tellAll());
    });
  }

  async #tellAll(): Promise<void> {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const [projectId, waiting] of all) {
      try {
        await this.#tell(projectId, waiting);
      } catch (error) {
        this.#deps.logger.debug(
          { projectId, error: asError(error) },
          'changes of bots were not told; lists read again',
        );
      }
    }
  }

  async #tell(projectId: string, { ids, many }: Waiting): Promise<void> {
    const { log, clock, show } = this.#deps;
    const key = changesKey(projectId);
    const head = await log.head(key);
    if (!head || head.followers === 0) return;
    const bots = ids.size === 0 ? [] : await show(projectId, [...ids]);
    const record: GalleryBotChanges = { at: new Date(clock.now()).toISOString(), bots: bots.map(changeOf), many };
    await log.append({ key, messages: [Buffer.from(JSON.stringify(record))] }).catch((error: unknown) => {
      // Its last reader has left and it ended meanwhile.
      if (!(error instanceof MusterError) || error.code !== 'notFound') throw error;
    });
  }
}

const changeOf = (bot: GalleryBot): GalleryBotChanges['bots'][number] => ({
  id: bot.id,
  version: bot.version,
  updatedAt: bot.updatedAt,
  name: bot.name,
  state: bot.state,
  desired: bot.desired,
  waiting: bot.waiting,
  nextThinkAt: bot.nextThinkAt,
  lastActionAt: bot.lastActionAt,
  lastError: bot.lastError,
  counts: bot.counts,
  costMicros: bot.costMicros,
});

/** There from its first reader on, and short: old hints are worth nothing. */
export async function ensureChanges(log: Log, key: StreamKey): Promise<void> {
  if (await log.head(key)) return;
  await log.create({ key, contentType: 'application/json', retention: { maxAgeMs: keptMs } });
}
