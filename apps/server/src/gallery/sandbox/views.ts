import type { Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import { sandboxLimits as limits } from './limits.ts';
import { addViews } from './queries/items.ts';

/** Views, counted for people and bots apart, and written together now and then. A crash loses at most the last seconds of them. */
export class Views {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #waiting = new Map<string, { human: number; bot: number }>();
  #timer: Disposable | undefined;
  #writing: Promise<void> | undefined;

  constructor(deps: { db: Db; clock: Clock; logger: Logger }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
  }

  add(itemId: string, by: 'human' | 'bot'): void {
    const one = this.#waiting.get(itemId) ?? { human: 0, bot: 0 };
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

  async #write(views: readonly (readonly [string, { human: number; bot: number }])[]): Promise<void> {
    const ids = views.map(([id]) => id);
    const human = views.map(([, one]) => one.human);
    const bot = views.map(([, one]) => one.bot);
    try {
      await this.#db.transaction((tx) => addViews(tx, { ids, human, bot }));
    } catch (error) {
      this.#logger.warn({ error, views: views.length }, 'views of the gallery could not be counted');
    }
  }
}
