import type { Claim, ClaimAnswer, HeartbeatAnswer, Instruction } from '@muster/protocol';
import { asError } from '#kernel/base';
import type { Call } from '#kernel/http';
import { arriveWorker } from './arrive-worker.ts';
import { extendLeases, type LeaseAnswer, type LeaseInput } from './extend-lease.ts';
import type { Holder } from './holder.ts';
import type { Room } from './room.ts';

type Parkable = Pick<Call<Holder>, 'who' | 'park' | 'afterAnswer'>;

/**
 * One claim call: parks until there is a job, something to be told, or `waitMs` passed. A job whose answer does not reach
 * the worker is released at once.
 */
export async function claimCall(room: Room, call: Parkable, input: Claim, waitMs: number): Promise<ClaimAnswer> {
  const worker = await arriveWorker(room, call.who);
  const answer =
    waitMs > 0
      ? await parkedClaim(room, call, worker, input, waitMs)
      : await room.live.dispatch.park(worker, { ...input, waitMs });
  const { job } = answer;
  if (job) {
    call.afterAnswer((sent) => {
      if (!sent) void room.live.dispatch.lost(job);
    });
  }
  return answer;
}

type Outcome = { answer: ClaimAnswer } | { error: Error };
/** The edge gives up later than we do, so that the answer is ours. */
const edgeMarginMs = 5_000;

async function parkedClaim(
  room: Room,
  call: Parkable,
  worker: Awaited<ReturnType<typeof arriveWorker>>,
  input: Claim,
  waitMs: number,
): Promise<ClaimAnswer> {
  const gone = new AbortController();
  const answered = room.live.dispatch.park(worker, { ...input, waitMs, signal: gone.signal });
  const parked = await call.park<Outcome>(waitMs + edgeMarginMs, (wake) => {
    answered.then(
      (answer) => wake({ answer }),
      (error: unknown) => wake({ error: asError(error) }),
    );
  });
  if (parked.why !== 'woken') {
    gone.abort();
    // What was handed out at this very moment is answered all the same; whether it arrives, `afterAnswer` sees.
    const answer = await answered;
    return parked.why === 'draining' && !answer.job ? room.live.dispatch.comeBack() : answer;
  }
  if ('error' in parked.value) throw parked.value.error;
  return parked.value.answer;
}

/**
 * One heartbeat call: extends at once, then parks until there is something to be told or `waitMs` passed. A lost lease, or
 * an instruction that is not yet known, comes back without waiting.
 */
export async function heartbeatCall(
  room: Room,
  call: Parkable,
  leases: readonly LeaseInput[],
  waitMs: number,
): Promise<HeartbeatAnswer> {
  const { presence } = room.live;
  const told = Promise.withResolvers<readonly Instruction[]>();
  // Before the look: what changes between look and park is not missed.
  const link = presence.attach(call.who.workerId, {
    kind: 'heartbeat',
    tell: (instructions) => {
      told.resolve(instructions);
      return true;
    },
    holds: () => leases,
  });
  try {
    const extended = await extendLeases(room, call.who, leases);
    const worker = await arriveWorker(room, call.who);
    const { all, fresh } = presence.news(worker);
    const answer = { leases: extended.map(showLease), heartbeatEveryMs: room.config.heartbeatEveryMs };
    if (waitMs === 0 || fresh || extended.some((lease) => 'lost' in lease)) {
      presence.told(worker.id, all);
      return { ...answer, instructions: all };
    }
    const parked = await call.park<readonly Instruction[]>(waitMs, (wake) => void told.promise.then(wake));
    if (parked.why === 'woken') return { ...answer, instructions: [...parked.value] };
    presence.told(worker.id, all);
    return { ...answer, instructions: all };
  } finally {
    link[Symbol.dispose]();
  }
}

export const showLease = (lease: LeaseAnswer): HeartbeatAnswer['leases'][number] =>
  'lost' in lease
    ? { buildId: lease.buildId, term: lease.term, lost: lease.lost }
    : { buildId: lease.buildId, term: lease.term, until: lease.until.toISOString() };
