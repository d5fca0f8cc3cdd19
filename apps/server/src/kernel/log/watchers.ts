import { asError, exhausted } from '#kernel/base';
import type { LogEvents } from './events.ts';
import type { StreamHead } from './head.ts';
import type { Head, StreamKey } from './log.ts';

type Watcher = { match: (key: StreamKey) => boolean; moved: (head: Head) => void };

/** Hints after commit: each stream that moved is shown once per turn of the event loop to whoever its key matches. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #moved = new Set<StreamHead>();
  readonly #max: number;
  readonly #events: LogEvents;

  constructor(max: number, events: LogEvents) {
    this.#max = max;
    this.#events = events;
  }

  add(match: Watcher['match'], moved: Watcher['moved']): Disposable {
    if (this.#watchers.size >= this.#max)
      throw exhausted('watchers_max', `At most ${this.#max} watchers listen to one log.`);
    const watcher = { match, moved };
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  moved(head: StreamHead): void {
    if (this.#watchers.size === 0) return;
    if (this.#moved.size === 0) setImmediate(this.#tell);
    this.#moved.add(head);
  }

  readonly #tell = (): void => {
    const moved = [...this.#moved];
    this.#moved.clear();
    for (const head of moved) {
      // Most streams match nobody, and to show one costs more than to ask.
      let shown: Head | undefined;
      for (const watcher of this.#watchers) {
        try {
          if (watcher.match(head.key)) watcher.moved((shown ??= head.show()));
        } catch (error) {
          this.#events.backgroundFailed('a watcher', asError(error));
        }
      }
    }
  };
}
