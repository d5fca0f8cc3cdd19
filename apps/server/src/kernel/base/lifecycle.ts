/** What starts and stops. Both are idempotent; disposal works in every state, also after a failed start. */
export interface Service extends AsyncDisposable {
  start(): Promise<void>;
}

export type FatalHandler = (error: Error, exitCode: number) => void;

/**
 * Holds services of one process: starts them in the order they were added, stops them in reverse, and gives every room
 * the one way to say that the process must end (`fatal`), which `main.ts` turns into an exit code.
 */
export class Lifecycle implements Service {
  readonly #services: { name: string; service: Service; started: boolean }[] = [];
  readonly #onPhase: (name: string, phase: 'starting' | 'started' | 'stopping' | 'stopped', tookMs: number) => void;
  #fatalHandler: FatalHandler | undefined;
  #stopping: Promise<void> | undefined;

  constructor(
    onPhase: (name: string, phase: 'starting' | 'started' | 'stopping' | 'stopped', tookMs: number) => void = () =>
      undefined,
  ) {
    this.#onPhase = onPhase;
  }

  add<S extends Service>(name: string, service: S): S {
    this.#services.push({ name, service, started: false });
    return service;
  }

  async start(): Promise<void> {
    for (const entry of this.#services) {
      if (entry.started || this.#stopping) continue;
      const began = performance.now();
      this.#onPhase(entry.name, 'starting', 0);
      entry.started = true;
      await entry.service.start();
      this.#onPhase(entry.name, 'started', performance.now() - began);
    }
  }

  onFatal(handler: FatalHandler): void {
    this.#fatalHandler = handler;
  }

  /** The process cannot go on truthfully. `exitCode` 70 = a durable write failed (log.md §4). */
  readonly fatal = (error: Error, exitCode = 70): void => {
    if (!this.#fatalHandler) throw error;
    this.#fatalHandler(error, exitCode);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    const errors: unknown[] = [];
    for (const entry of this.#services.toReversed()) {
      if (!entry.started) continue;
      const began = performance.now();
      this.#onPhase(entry.name, 'stopping', 0);
      try {
        await entry.service[Symbol.asyncDispose]();
      } catch (error) {
        errors.push(error);
      }
      this.#onPhase(entry.name, 'stopped', performance.now() - began);
    }
    if (errors.length > 0) throw new AggregateError(errors, 'some services did not stop cleanly');
  }
}
