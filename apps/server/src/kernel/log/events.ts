/** What the log tells the rest of the house. Each is one counter or gauge and, where people look, one log record. */
export interface LogEvents {
  /** One batch became durable. `oldestMs`: from the first frame's encoding to this moment. */
  committed(batch: { frames: number; bytes: number; syncMs: number; oldestMs: number }): void;
  /** A write or sync failed; the process ends. */
  failStop(error: Error): void;
  appended(outcome: 'stored' | 'duplicate' | 'refused', appends: number): void;
  flushed(flush: { rows: number; bytes: number; tookMs: number; lagMs: number }): void;
  flushFailed(error: Error, retryInMs: number): void;
  /** A row that should have been ours holds something else; flushing stops. */
  flushMismatch(found: { streamNo: number; seq: number }): void;
  segment(
    what: 'opened' | 'sealed' | 'unprepared' | 'spare' | 'dropped' | 'spareFailed',
    detail: { no?: number; error?: Error },
  ): void;
  recovered(result: { frames: number; segments: number; tornBytes: number; tookMs: number }): void;
  /** Something an operator must know about what recovery found; `reason` is stable. */
  damage(found: { reason: string; detail: string; quarantined: number }): void;
  read(layer: 'memory' | 'segment' | 'rows', messages: number, tookMs: number): void;
  gap(reason: string): void;
  delivered(followers: number, frames: number): void;
  slowEnded(): void;
  /** No file holds any more what was erased; so long after it had reached the rows. */
  erased(tookMs: number): void;
  consumerFailed(name: string, error: Error): void;
  /** The right to write this log ended or could not be renewed. */
  ownership(what: 'waiting' | 'taken' | 'renewFailed' | 'lost', detail: string): void;
  backgroundFailed(what: string, error: Error): void;
}

const nothing = (): void => undefined;

export const silentEvents: LogEvents = {
  committed: nothing,
  failStop: nothing,
  appended: nothing,
  flushed: nothing,
  flushFailed: nothing,
  flushMismatch: nothing,
  segment: nothing,
  recovered: nothing,
  damage: nothing,
  read: nothing,
  gap: nothing,
  delivered: nothing,
  slowEnded: nothing,
  erased: nothing,
  consumerFailed: nothing,
  ownership: nothing,
  backgroundFailed: nothing,
};
