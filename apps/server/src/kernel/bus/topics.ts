import { exhausted, internal } from '#kernel/base';
import { type Bus, busLimits } from './bus.ts';

type Subscription = { heard: (payload: string) => void; missed: (() => void) | undefined };
type Hint = { topic: string; payload: string };

/**
 * The hints of one process. They are handed out at the end of the present turn of the event loop, so a publisher never
 * runs a listener's code, and a listener that publishes cannot starve the rest.
 */
export class Topics implements Bus {
  readonly #onError: (topic: string, error: unknown) => void;
  readonly #subscriptions = new Map<string, Set<Subscription>>();
  readonly #waiting = new Map<string, Hint>();
  readonly #overflown = new Set<string>();
  #count = 0;
  #scheduled = false;

  constructor(onError: (topic: string, error: unknown) => void) {
    this.#onError = onError;
  }

  get subscriptions(): number {
    return this.#count;
  }

  publish(topic: string, payload: string): void {
    checkHint(topic, payload);
    this.deliver(topic, payload);
  }

  /** As `publish`, for a hint that was checked where it came from. */
  deliver(topic: string, payload: string): void {
    if (!this.#subscriptions.has(topic)) return;
    if (this.#waiting.size >= busLimits.waitingMax) this.#overflown.add(topic);
    else this.#waiting.set(`${topic}\n${payload}`, { topic, payload });
    this.#schedule();
  }

  /** Tells every subscriber that hints may have been lost. */
  missedAll(): void {
    for (const topic of this.#subscriptions.keys()) this.#overflown.add(topic);
    this.#schedule();
  }

  subscribe(topic: string, heard: (payload: string) => void, missed?: () => void): Disposable {
    checkHint(topic, '');
    if (this.#count >= busLimits.subscriptionsMax) {
      throw exhausted('bus_subscriptions_full', 'Too many parts of this server listen at once.', {
        retryAfterMs: 1000,
      });
    }
    const subscription: Subscription = { heard, missed };
    const listeners = this.#subscriptions.get(topic) ?? new Set();
    this.#subscriptions.set(topic, listeners.add(subscription));
    this.#count += 1;
    return {
      [Symbol.dispose]: () => {
        if (!listeners.delete(subscription)) return;
        this.#count -= 1;
        if (listeners.size === 0) this.#subscriptions.delete(topic);
      },
    };
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const hints = [...this.#waiting.values()];
      const overflown = [...this.#overflown];
      this.#waiting.clear();
      this.#overflown.clear();
      for (const { topic, payload } of hints) this.#tell(topic, (listener) => listener.heard(payload));
      for (const topic of overflown) this.#tell(topic, (listener) => listener.missed?.());
    });
  }

  #tell(topic: string, call: (listener: Subscription) => void): void {
    const listeners = this.#subscriptions.get(topic);
    if (!listeners) return;
    // A copy: a listener may leave, or another may come, while they are told. One that left is not told any more.
    for (const listener of Array.from(listeners)) {
      if (!listeners.has(listener)) continue;
      try {
        call(listener);
      } catch (error) {
        this.#onError(topic, error);
      }
    }
  }
}

/** Topics and payloads are ours, so one that does not fit is a bug here. */
export function checkHint(topic: string, payload: string): void {
  if (topic === '' || Buffer.byteLength(topic) > busLimits.topicBytesMax || topic.includes('\n')) {
    throw internal('bad_bus_topic', `not a topic: ${JSON.stringify(topic.slice(0, 200))}`);
  }
  if (Buffer.byteLength(payload) > busLimits.payloadBytesMax) {
    throw internal('bus_payload_too_large', `a hint on ${topic} has more than ${busLimits.payloadBytesMax} bytes`);
  }
}
