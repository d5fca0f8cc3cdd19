import { Worker } from 'node:worker_threads';
import type { Clock } from '#kernel/base';
import { asError } from '#kernel/base';
import { fontFiles } from '../type/fonts.ts';
import type { FromThread, ToThread } from './messages.ts';

type Ended = { kind: 'answer'; answer: FromThread } | { kind: 'crashed'; error: Error } | { kind: 'late' };

/* One worker thread and the order it works on.
 *  idle   – may be given an order.
 *  busy   – works on one; ends with its answer, its crash, or its time being up.
 *  gone   – crashed, late or stopped; never used again. `ended` resolves when its last native call has returned. */
export class Thread {
  readonly ended: Promise<void>;
  #worker: Worker;
  #busy: ((ended: Ended) => void) | undefined;
  #gone = false;

  constructor(file: URL) {
    // The thread needs no setting of ours, so it is given none.
    this.#worker = new Worker(file, { workerData: { fontFiles: [...fontFiles] }, env: {}, execArgv: [] });
    this.#worker.unref();
    this.ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (answer: FromThread) => this.#finish({ kind: 'answer', answer }));
    this.#worker.on('error', (error) => this.#leave({ kind: 'crashed', error: asError(error) }));
    this.#worker.on('exit', () => this.#leave({ kind: 'crashed', error: new Error('the thread ended') }));
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Works on one order, at most for `limitMs`. Never throws. */
  async run(order: ToThread, clock: Clock, limitMs: number): Promise<Ended> {
    if (this.#gone) return { kind: 'crashed', error: new Error('the thread has ended') };
    const done = Promise.withResolvers<Ended>();
    this.#busy = done.resolve;
    using _ = clock.after(limitMs, () => this.#leave({ kind: 'late' }));
    // While it works, it keeps the process alive: somebody waits for the answer.
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is not a window
    this.#worker.postMessage(order);
    return await done.promise;
  }

  stop(): void {
    this.#leave({ kind: 'crashed', error: new Error('the rasteriser was stopped') });
  }

  #finish(ended: Ended): void {
    this.#worker.unref();
    const tell = this.#busy;
    this.#busy = undefined;
    tell?.(ended);
  }

  #leave(ended: Ended): void {
    if (!this.#gone) {
      this.#gone = true;
      void this.#worker.terminate();
    }
    this.#finish(ended);
  }
}
