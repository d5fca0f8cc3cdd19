import { systemClock } from '../../apps/server/src/kernel/base/index.ts';
import type { Log, StreamKey } from '../../apps/server/src/kernel/log/index.ts';

/** Latencies are kept of so many appends, as small numbers: what measures memory must not need much. */
const keptMax = 1_500_000;

/** Appends to a log at an even pace, whatever they take; each producer's appends follow each other. */
export class PacedAppends {
  readonly #log: Log;
  readonly #keys: readonly StreamKey[];
  readonly #perSecond: number;
  readonly #message: Buffer;
  readonly #seqs: Float64Array;
  readonly #took = new Float32Array(keptMax);
  #count = 0;
  #next = 0;
  #failed: Error | undefined;
  underWay = 0;

  constructor(log: Log, keys: readonly StreamKey[], perSecond: number, messageBytes: number) {
    this.#log = log;
    this.#keys = keys;
    this.#perSecond = perSecond;
    this.#message = Buffer.alloc(messageBytes, 'm');
    this.#seqs = new Float64Array(keys.length);
  }

  /** Milliseconds each append took since the last call, to be read before the next one. */
  taken(): Float64Array {
    const taken = Float64Array.from(this.#took.subarray(0, Math.min(this.#count, keptMax)));
    this.#count = 0;
    return taken;
  }

  /** Runs for `ms`; resolves when every append was answered. */
  async run(ms: number): Promise<number> {
    const began = performance.now();
    let sent = 0;
    for (let now = began; now - began < ms; now = performance.now()) {
      const due = Math.floor(((now - began) * this.#perSecond) / 1000);
      for (; sent < due; sent++) void this.#append(began + (sent * 1000) / this.#perSecond);
      if (this.#failed) throw this.#failed;
      await systemClock.sleep(1);
    }
    while (this.underWay > 0) await systemClock.sleep(1);
    return sent;
  }

  /** Counted from when it was due, so that a stall is felt by all that came into it. */
  async #append(dueAt: number): Promise<void> {
    const no = this.#next++ % this.#keys.length;
    const seq = this.#seqs[no] as number;
    this.#seqs[no] = seq + 1;
    this.underWay += 1;
    try {
      const key = this.#keys[no] as StreamKey;
      await this.#log.append({ key, messages: [this.#message], producer: { id: 'bench', epoch: 0, seq } });
      this.#took[this.#count++ % keptMax] = performance.now() - dueAt;
    } catch (error) {
      this.#failed ??= error instanceof Error ? error : new Error(String(error));
    } finally {
      this.underWay -= 1;
    }
  }
}
