import { z } from 'zod';
import type { Tx } from '#kernel/db';
import type { JobInput, Queue } from '#kernel/queue';

/** Kinds of jobs of the subscriptions. */
export const jobKinds = {
  deliver: 'streams.subscriptions.deliver',
  announce: 'streams.subscriptions.announce',
  lease: 'streams.subscriptions.lease',
  settle: 'streams.subscriptions.settle',
  rescue: 'streams.subscriptions.rescue',
  keys: 'streams.subscriptions.keys',
} as const;

export const wakePayload = z.object({ no: z.number().int(), generation: z.number().int() });
export type WakeOf = z.output<typeof wakePayload>;

/** The job that carries a wake to its webhook or its wake stream. */
export const wakeJob = (wake: WakeOf & { type: 'webhook' | 'pull-wake' }): JobInput => ({
  kind: wake.type === 'webhook' ? jobKinds.deliver : jobKinds.announce,
  payload: { no: wake.no, generation: wake.generation },
  uniqueKey: `${wake.no}:${wake.generation}`,
  attemptsMax,
});

/** What fails for reasons of ours is tried for weeks; what fails for theirs does not count as an attempt. */
const attemptsMax = 1000;

/** Looks at a lease when it may have ended; it snoozes as long as the lease is renewed. */
export const watchLease = (queue: Queue, tx: Tx, { no, generation }: WakeOf, leaseEndsAt: Date): Promise<string> =>
  queue.enqueue(tx, {
    kind: jobKinds.lease,
    payload: { no, generation },
    uniqueKey: `${no}:${generation}`,
    attemptsMax,
    runAt: leaseEndsAt,
  });
