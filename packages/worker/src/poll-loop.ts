import { type Claim, type Instruction, type Job, MusterError } from '@muster/protocol';
import type { WorkerApi } from './api.ts';
import { Backoff, monotonic, pause } from './clock.ts';
import { isAway, isRefusedCredential } from './http.ts';
import type { Wake } from './wake.ts';
import type { Log } from './worker-log.ts';

const claimWaitMs = 50_000;
const claimWaitMsMin = 1_000;
const nextPollMsMax = 60_000;

export type PollDeps = {
  api: WorkerApi;
  /** What is held now, and how many more builds fit; 0 while leaving. */
  ready: () => Claim;
  /** Rings when `ready` would say something else. */
  changed: Wake;
  onJob: (job: Job) => void;
  onInstruction: (instruction: Instruction) => void;
  log: Log;
};
export type PollEnd = { kind: 'refused' | 'closed' | 'time'; detail: string };

/**
 * Takes work by long poll, until `forMs` are over (then a socket is tried again), the signal aborts, or the credential
 * is refused. One claim at a time; its answer brings a job or says when to ask again.
 */
export async function pollLoop(deps: PollDeps, forMs: number, signal: AbortSignal): Promise<PollEnd> {
  const until = monotonic() + forMs;
  const backoff = new Backoff();
  const stopped = (): boolean => signal.aborted;
  while (!stopped() && monotonic() < until) {
    const claim = deps.ready();
    if (claim.free === 0) {
      await deps.changed.wait(until - monotonic(), signal);
      continue;
    }
    const waitMs = Math.round(Math.min(claimWaitMs, Math.max(claimWaitMsMin, until - monotonic())));
    try {
      const answer = await deps.api.claim(claim, waitMs, signal);
      backoff.reset();
      for (const instruction of answer.instructions ?? []) deps.onInstruction(instruction);
      if (answer.job) deps.onJob(answer.job);
      else await pause(Math.min(answer.nextPollMs ?? 1_000, nextPollMsMax), signal);
    } catch (error) {
      if (stopped()) break;
      if (isRefusedCredential(error)) return { kind: 'refused', detail: (error as MusterError).message };
      if (!isAway(error)) deps.log.error('the server refuses to give work', { error });
      const retryAfterMs = error instanceof MusterError ? (error.retryAfterMs ?? 0) : 0;
      await pause(Math.max(backoff.next(), retryAfterMs), signal);
    }
  }
  return stopped() ? { kind: 'closed', detail: 'closed by the worker' } : { kind: 'time', detail: 'time for a socket' };
}
