import { Worker } from 'node:worker_threads';
import type { Instruction } from '@muster/protocol';
import type { FromLeaseThread, Lease, LeaseNote, LeaseThreadData, ToLeaseThread } from './lease-messages.ts';
import type { Log } from './worker-log.ts';

export type LeaseEvents = {
  onLost: (lease: Lease, reason: string) => void;
  onInstruction: (instruction: Instruction) => void;
  /** The server does not know the worker's token any more; all leases were reported lost. */
  onRefused: (detail: string) => void;
  /** The thread ended by itself, so nothing keeps the leases: the worker cannot go on. */
  onBroken: (error: Error) => void;
};

/** The main thread's side of the lease thread. */
export class LeaseKeeper implements AsyncDisposable {
  readonly #thread: Worker;
  readonly #ended: Promise<void>;
  #disposed = false;

  constructor(data: LeaseThreadData, log: Log, events: LeaseEvents) {
    // In a published package the file beside this one is JavaScript.
    const file = import.meta.url.endsWith('.ts')
      ? new URL('./lease-thread.ts', import.meta.url)
      : new URL('./lease-thread.js', import.meta.url);
    this.#thread = new Worker(file, { workerData: data, env: {}, execArgv: [] });
    this.#ended = new Promise((resolve) => this.#thread.once('exit', () => resolve()));
    this.#thread.on('message', (message: FromLeaseThread) => {
      if (message.kind === 'lost') events.onLost(message, message.reason);
      else if (message.kind === 'instruction') events.onInstruction(message.instruction);
      else if (message.kind === 'refused') events.onRefused(message.detail);
      else if (message.kind === 'away')
        log.warn('heartbeats do not reach the server; builds go on', { detail: message.detail });
      else log.info('heartbeats reach the server again');
    });
    this.#thread.on('error', (error) => events.onBroken(error instanceof Error ? error : new Error(String(error))));
    this.#thread.on('exit', () => {
      if (!this.#disposed) events.onBroken(new Error('the lease thread ended'));
    });
  }

  hold(lease: Lease, everyMs: number): void {
    this.#tell({ kind: 'hold', buildId: lease.buildId, term: lease.term, everyMs });
  }

  drop(lease: Lease): void {
    this.#tell({ kind: 'drop', buildId: lease.buildId, term: lease.term });
  }

  /** What the next heartbeat says of the build; `soon` sends it within about a second. */
  note(lease: Lease, note: LeaseNote, soon: boolean): void {
    this.#tell({ kind: 'note', buildId: lease.buildId, term: lease.term, note, soon });
  }

  /** On while there is no socket: heartbeats then wait at the server for instructions. */
  park(park: boolean): void {
    this.#tell({ kind: 'park', park });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#thread.terminate();
    await this.#ended;
  }

  #tell(message: ToLeaseThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is not a window
    this.#thread.postMessage(message);
  }
}
