import type { Instruction, Metrics } from '@muster/protocol';

/** What the lease thread is started with. */
export type LeaseThreadData = { url: string; token: string };

export type Lease = { buildId: string; term: number };
export type LeaseNote = { phase?: string; progress?: number; metrics?: Metrics };

/** Main thread → lease thread. */
export type ToLeaseThread =
  | ({ kind: 'hold'; everyMs: number } & Lease)
  | ({ kind: 'drop' } & Lease)
  /** Joins what the next heartbeat says; `soon` sends it within the second. */
  | ({ kind: 'note'; note: LeaseNote; soon: boolean } & Lease)
  /** Parked heartbeats bring instructions; without a socket they are the way to hear of a cancel. */
  | { kind: 'park'; park: boolean };

/** Lease thread → main thread. */
export type FromLeaseThread =
  | ({ kind: 'lost'; reason: string } & Lease)
  | { kind: 'instruction'; instruction: Instruction }
  | { kind: 'away'; detail: string }
  | { kind: 'back' }
  /** The token is not good (any more). */
  | { kind: 'refused'; detail: string };
