import { asError, type Clock, exhausted, type MusterError } from '#kernel/base';
import type { Disk } from './disk.ts';
import type { LogEvents } from './events.ts';
import type { LogLimits } from './limits.ts';
import { positionOf, segmentOf } from './segment.ts';

/** From this share of a budget on, health says degraded. */
const warnAt = 0.8;

/**
 * How much more the disk may take: the log that waits for Postgres, and the free space of the file system. Both are looked
 * at in the background, so an append only reads the outcome. Full means a refusal with the time to come back; reads go on.
 */
export class DiskBudget {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #backlogBytes: () => number;
  #timer: Disposable | undefined;
  #free = Number.POSITIVE_INFINITY;
  #refusal: MusterError | undefined;

  constructor(parts: {
    disk: Disk;
    dir: string;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
    backlogBytes: () => number;
  }) {
    this.#disk = parts.disk;
    this.#dir = parts.dir;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#backlogBytes = parts.backlogBytes;
  }

  get refusal(): MusterError | undefined {
    return this.#refusal;
  }

  get degraded(): boolean {
    const backlog = this.#backlogBytes() > this.#limits.backlogBytesMax * warnAt;
    return backlog || this.#free < this.#limits.diskFreeBytesMin / warnAt;
  }

  async start(): Promise<void> {
    await this.#look();
  }

  /** Cheap: called for every commit and every flush. */
  update(): void {
    if (this.#backlogBytes() >= this.#limits.backlogBytesMax) {
      this.#refusal = exhausted(
        'log_backlog',
        'The database has been away for too long: the log that waits for it has reached its limit.',
        { retryAfterMs: 5000 },
      );
    } else if (this.#free < this.#limits.diskFreeBytesMin) {
      this.#refusal = exhausted(
        'log_backlog',
        'The disk of the log is almost full. Nothing that was acknowledged is lost; free some space.',
        {
          retryAfterMs: 10_000,
          extra: { freeBytes: this.#free },
        },
      );
    } else {
      this.#refusal = undefined;
    }
  }

  async #look(): Promise<void> {
    try {
      this.#free = await this.#disk.free(this.#dir);
    } catch (error) {
      // Not to know is not to be full.
      this.#events.backgroundFailed('looking at the free disk space', asError(error));
    }
    this.update();
    this.#timer = this.#clock.after(this.#limits.diskLookEveryMs, () => void this.#look());
  }

  end(): void {
    this.#timer?.[Symbol.dispose]();
  }
}

/** Bytes of log between two positions. */
export const bytesBetween = (from: number, to: number, segmentBytes: number): number =>
  (segmentOf(to) - segmentOf(from)) * segmentBytes + positionOf(to) - positionOf(from);
