import type { Clock } from '#kernel/base';
import { mindLimits as limits } from './limits.ts';

const slotMs = 60_000;
const slots = limits.degradedMs / slotMs;

export type DegradedEvent = { mind: string; degraded: boolean; reason: string };

/** How often thinks of one mind fell back over the last ten minutes, and whether that makes it degraded. */
export class MindHealth {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #tell: (event: DegradedEvent) => void;
  #counts: { slot: number; thinks: number; fell: number }[] = [];
  #firstAt: number | undefined;
  #degraded: string | null = null;

  constructor(name: string, clock: Clock, tell: (event: DegradedEvent) => void) {
    this.#name = name;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Why, or `null`. */
  get degraded(): string | null {
    return this.#degraded;
  }

  worked(): void {
    this.#count(0);
    // A key that works again is no news to wait for.
    if (this.#degraded !== null && this.#share() <= limits.degradedShare) this.#set(null);
  }

  fellBack(reason: string): void {
    this.#count(1);
    const full = this.#clock.now() - (this.#firstAt ?? Infinity) >= limits.degradedMs;
    const thinks = this.#counts.reduce((sum, count) => sum + count.thinks, 0);
    if (full && thinks >= limits.degradedThinksMin && this.#share() > limits.degradedShare) this.#set(reason);
  }

  /** Something only a person can mend: said at once. */
  broke(reason: string): void {
    this.#set(reason);
  }

  mended(): void {
    this.#counts = [];
    this.#firstAt = undefined;
    this.#set(null);
  }

  #share(): number {
    const thinks = this.#counts.reduce((sum, count) => sum + count.thinks, 0);
    return thinks === 0 ? 0 : this.#counts.reduce((sum, count) => sum + count.fell, 0) / thinks;
  }

  #count(fell: number): void {
    const now = this.#clock.now();
    const slot = Math.floor(now / slotMs);
    this.#firstAt ??= now;
    this.#counts = this.#counts.filter((count) => count.slot > slot - slots);
    const last = this.#counts.at(-1);
    if (last?.slot === slot) {
      last.thinks += 1;
      last.fell += fell;
    } else this.#counts.push({ slot, thinks: 1, fell });
  }

  #set(reason: string | null): void {
    if ((reason === null) === (this.#degraded === null)) return;
    const event = { mind: this.#name, degraded: reason !== null, reason: reason ?? this.#degraded ?? '' };
    this.#degraded = reason;
    this.#tell(event);
  }
}
