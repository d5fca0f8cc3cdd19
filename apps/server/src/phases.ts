import { type Clock, Lifecycle, type Service } from '#kernel/base';
import type { Telemetry } from '#kernel/telemetry';
import type { StartLines } from './start-lines.ts';

const slowMs = 10_000;

/** Phases of a start: one after the other, timed, said, and undone in reverse. A slow one says every 10 s that it waits. */
export class Phases {
  readonly lifecycle: Lifecycle;
  readonly #telemetry: Telemetry;
  readonly #lines: StartLines;
  readonly #clock: Clock;

  constructor(telemetry: Telemetry, lines: StartLines, clock: Clock) {
    this.#telemetry = telemetry;
    this.#lines = lines;
    this.#clock = clock;
    this.lifecycle = new Lifecycle((name, phase, tookMs) => {
      if (phase === 'started') lines.phase(name, tookMs);
      if (phase === 'started' || phase === 'stopped')
        telemetry.logger.info({ phase: name, tookMs: Math.round(tookMs) }, phase);
    });
  }

  /** Runs the whole start; when it fails, what had started is stopped before the error goes on. */
  async orUndo<T>(whole: () => Promise<T>): Promise<T> {
    try {
      return await whole();
    } catch (error) {
      await this.lifecycle[Symbol.asyncDispose]().catch((failure: unknown) =>
        this.#telemetry.logger.warn({ error: failure }, 'some parts did not stop cleanly after the failed start'),
      );
      throw error;
    }
  }

  async start<S extends Service>(name: string, service: S): Promise<S> {
    using _ = this.#sayWhenSlow(name);
    this.lifecycle.add(name, service);
    await this.lifecycle.start();
    return service;
  }

  /** A phase that makes something to be disposed of. */
  async open<T extends AsyncDisposable>(name: string, make: () => Promise<T>): Promise<T> {
    let made: T | undefined;
    await this.start(name, {
      start: async () => {
        made = await make();
      },
      [Symbol.asyncDispose]: async () => made?.[Symbol.asyncDispose](),
    });
    if (!made) throw new Error(`invariant broken: the phase ${name} made nothing`);
    return made;
  }

  /** A phase that leaves nothing to undo. */
  async run<T>(name: string, act: () => Promise<T>): Promise<T> {
    const { result } = await this.open(name, async () => ({
      result: await act(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }));
    return result;
  }

  #sayWhenSlow(name: string): Disposable {
    const began = this.#clock.monotonic();
    let timer: Disposable;
    const say = (): void => {
      const forMs = this.#clock.monotonic() - began;
      this.#lines.waiting(name, forMs);
      this.#telemetry.logger.warn({ phase: name, forMs: Math.round(forMs) }, 'still starting');
      timer = this.#clock.after(slowMs, say);
    };
    timer = this.#clock.after(slowMs, say);
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }
}
