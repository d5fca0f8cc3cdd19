/**
 * Why a running attempt must end before it is done; the reason of the attempt's AbortSignal.
 * - `cancel`: the server asks; the worker confirms with `stopped`
 * - `timeout`: the time limit passed; the worker reports `timed_out`
 * - `lost`: the lease belongs to nobody or to another; nothing more is sent
 * - `abandon`: this worker leaves; the build is given back
 * - `broken`: a part of the worker failed (disk full under the log); reported as the failure it carries
 */
export type StopKind = 'cancel' | 'timeout' | 'lost' | 'abandon' | 'broken';

export class StopOrder extends Error {
  override readonly name = 'StopOrder';
  readonly kind: StopKind;
  /** The command gets no more than this between SIGTERM and SIGKILL; undefined = what is configured for it. */
  readonly graceMs: number | undefined;

  constructor(kind: StopKind, reason: string, options: { graceMs?: number; cause?: unknown } = {}) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.graceMs = options.graceMs;
  }
}

/** The order behind an aborted signal; an abort of unknown origin counts as `abandon`: the build is safe in the queue. */
export function orderOf(signal: AbortSignal): StopOrder {
  const reason: unknown = signal.reason;
  return reason instanceof StopOrder ? reason : new StopOrder('abandon', 'the worker was stopped', { cause: reason });
}
