import { exhausted } from '#kernel/base';

/**
 * Turns for reads that leave memory: at most `concurrent` at once, given out to projects in rotation, so that one project
 * with many readers does not keep the others waiting.
 */
export class ColdReads {
  readonly #concurrent: number;
  readonly #waitingMax: number;
  readonly #queues = new Map<string, (() => void)[]>();
  #running = 0;
  #waiting = 0;

  constructor(concurrent: number, waitingMax: number) {
    this.#concurrent = concurrent;
    this.#waitingMax = waitingMax;
  }

  async run<T>(projectId: string, read: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#concurrent) await this.#turn(projectId);
    else this.#running += 1;
    try {
      return await read();
    } finally {
      this.#next();
    }
  }

  #turn(projectId: string): Promise<void> {
    if (this.#waiting >= this.#waitingMax) {
      throw exhausted('reads_waiting_max', 'Too many reads of old messages wait for their turn.', {
        retryAfterMs: 1000,
      });
    }
    this.#waiting += 1;
    return new Promise((resolve) => {
      const queue = this.#queues.get(projectId);
      if (queue) queue.push(resolve);
      else this.#queues.set(projectId, [resolve]);
    });
  }

  /** The turn passes to the project that waits longest since it last had one. */
  #next(): void {
    for (const [projectId, queue] of this.#queues) {
      const go = queue.shift();
      this.#queues.delete(projectId);
      if (queue.length > 0) this.#queues.set(projectId, queue);
      this.#waiting -= 1;
      go?.();
      return;
    }
    this.#running -= 1;
  }
}
