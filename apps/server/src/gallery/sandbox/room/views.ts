import type { Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import { addViews } from '../queries/items.ts';
import type { Changes } from './changes.ts';
import { sandboxLimits as limits } from './limits.ts';

type Seen = { projectId: string; human: number; bot: number };

/** Views, counted for people and bots apart, and written together now and then. A crash loses at most the last seconds of them. */
export class Views {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #changes: Changes;
  #waiting = new Map<string, Seen>();
  #timer: Disposable | undefined;
  #writing: Promise<void> | undefined;

  constructor(deps: { db: Db; clock: Clock; logger: Logger; changes: Changes }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#changes = deps.changes;
  }

  add(projectId: string, itemId: string, by: 'human' | 'bot'): void {
    const one = this.#waiting.get(itemId) ?? { projectId, human: 0, bot: 0 };
    one[by]++;
    this.#waiting.set(itemId, one);
    if (this.#waiting.size >= limits.viewsWaitingMax) void this.flush();
    else
      this.#timer ??= this.#clock.after(limits.viewsFlushMs, () => {
        void this.flush();
      });
  }

  /** Writes what waits; resolves when it is written, or was lost, which the log says. */
  async flush(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    await this.#writing;
    if (this.#waiting.size === 0) return;
    // In one order, so that two nodes never wait for each other.
    const views = [...this.#waiting].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#waiting = new Map();
    this.#writing = this.#write(views);
    await this.#writing;
    this.#writing = undefined;
  }

  async #write(views: readonly (readonly [string, Seen])[]): Promise<void> {
    const ids = views.map(([id]) => id);
    const human = views.map(([, one]) => one.human);
    const bot = views.map(([, one]) => one.bot);
    try {
      await this.#db.transaction((tx) => addViews(tx, { ids, human, bot }));
    } catch (error) {
      this.#logger.warn({ error, views: views.length }, 'views of the gallery could not be counted');
      return;
    }
    // Bots' views are shown nowhere.
    for (const [itemId, { projectId, human: people }] of views)
      if (people > 0) this.#changes.tell({ what: 'counts', projectId, itemId });
  }
}
