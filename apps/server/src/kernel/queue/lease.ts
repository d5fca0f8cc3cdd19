import type { ClaimedJob } from './queries.ts';
import { type AbortReason, type Job, JobAborted } from './queue.ts';
import type { Verdict } from './verdict.ts';

/**
 * A lease is the right to run one job. Two things make it safe without any lock between processes.
 *
 * Term. Every claim of a job adds one to its `term`. Whatever a holder writes names (id, term), so a holder that came
 * back from a pause writes about a term that is over, and nothing changes (I4).
 *
 * Trust window. The database decides when a lease ends, by its own clock. A holder cannot see that clock, so it trusts
 * itself for less: until the moment it *asked* for the claim or the renewal, plus the lease, minus a safety margin. Not
 * from the answer: a slow answer must not stretch the window. After that the job's signal aborts, before anybody else
 * can have the job. The two clocks only need to run at the same speed, not to show the same time.
 */
export const trustedUntil = (askedAt: number, leaseMs: number): number => askedAt + leaseMs - leaseMs / 5;

/** Renewals leave room for two that fail before the trust ends. */
export const renewEveryMs = (leaseMs: number): number => leaseMs / 3;

export type KindRules = { kind: string; concurrency: number; leaseMs: number; timeoutMs: number };

/**
 * A job this process holds.
 *  buffered – claimed a moment before its place is free. Renewed like the others.
 *  running  – the handler works; the lease is renewed.
 *  aborted  – the handler was told to end and has not yet. Renewed as before, except when the lease is lost.
 *  decided  – the handler is over; `verdict` waits to be written, and the lease is left to itself.
 */
export class HeldJob {
  readonly id: string;
  readonly term: number;
  readonly claimed: ClaimedJob;
  readonly rules: KindRules;
  /** When the handler started; until then, when the job was claimed. */
  startedAt: number;
  trustedUntil: number;
  renewAt: number;
  verdict: Verdict | undefined;
  readonly #abort = new AbortController();
  #reason: AbortReason | undefined;

  constructor(claimed: ClaimedJob, rules: KindRules, askedAt: number) {
    this.id = claimed.id;
    this.term = claimed.term;
    this.claimed = claimed;
    this.rules = rules;
    this.startedAt = askedAt;
    this.trustedUntil = trustedUntil(askedAt, rules.leaseMs);
    this.renewAt = askedAt + renewEveryMs(rules.leaseMs);
  }

  /** Why the handler was told to end; the first reason stays, except that a lost lease outweighs all others. */
  get aborted(): AbortReason | undefined {
    return this.#reason;
  }

  abort(reason: AbortReason): void {
    if (this.#reason === undefined || reason === 'lease_lost') this.#reason = reason;
    this.#abort.abort(new JobAborted(reason));
  }

  renewed(askedAt: number): void {
    this.trustedUntil = trustedUntil(askedAt, this.rules.leaseMs);
    this.renewAt = askedAt + renewEveryMs(this.rules.leaseMs);
  }

  get job(): Job {
    const { id, kind, payload, attempt, term, enqueuedAt } = this.claimed;
    return { id, kind, payload, attempt, term, enqueuedAt, signal: this.#abort.signal };
  }
}
