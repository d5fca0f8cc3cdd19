import type { TransitionTable } from '../base/machine.ts';

export const subscriptionStates = ['idle', 'waking', 'leased'] as const;
export type SubscriptionState = (typeof subscriptionStates)[number];

/**
 * - `notice` something was appended behind what is acked
 * - `claim` a worker takes the work (pull-wake)
 * - `accept` the webhook answered 2xx without `done`, or called back: it works on it now
 * - `extend` an ack without `done`
 * - `finish` `done: true`, in an ack, a callback or the webhook's answer · `release` the worker gives it back
 * - `fail` the webhook, or the wake stream, could not be reached · `leaseEnd` nobody was heard of in time
 * - `drop` nothing is left to wake for: its streams were removed
 */
export type SubscriptionEvent =
  | 'notice'
  | 'claim'
  | 'accept'
  | 'extend'
  | 'finish'
  | 'release'
  | 'fail'
  | 'leaseEnd'
  | 'drop';

/** What follows a wake: rest, or, with work left, the next one. */
const over = ['idle', 'waking'] as const;

/**
 * The subscription's machine. Calls that carry another generation or wake than the row's are refused `fenced` before this
 * is asked. Every way into `waking` from another state, and `claim` out of `idle`, is a new generation.
 */
export const subscriptionTable: TransitionTable<SubscriptionState, SubscriptionEvent> = {
  idle: {
    notice: 'waking',
    claim: 'leased',
    accept: 'refuse:fenced',
    extend: 'refuse:fenced',
    finish: 'refuse:fenced',
    release: 'refuse:fenced',
    fail: 'refuse:fenced',
    leaseEnd: 'impossible',
    drop: 'impossible',
  },
  waking: {
    notice: 'waking',
    claim: 'leased',
    accept: 'leased',
    // A webhook may call back before its answer was read.
    extend: 'leased',
    finish: over,
    release: over,
    fail: 'waking',
    leaseEnd: 'impossible',
    drop: over,
  },
  leased: {
    notice: 'leased',
    claim: 'refuse:already_claimed',
    accept: 'leased',
    extend: 'leased',
    finish: over,
    release: over,
    // It called back, so it has the wake, whatever became of its answer.
    fail: 'leased',
    leaseEnd: over,
    drop: 'impossible',
  },
};

/** What a subscription is told to others as: `failed` while its last deliveries did not arrive. */
export const subscriptionStatuses = ['active', 'failed'] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** Error codes of the subscription calls, as the protocol names them, with their HTTP status. */
export const subscriptionErrors = {
  INVALID_REQUEST: 400,
  WEBHOOK_URL_REJECTED: 400,
  TOKEN_INVALID: 401,
  TOKEN_EXPIRED: 401,
  SUBSCRIPTION_NOT_FOUND: 404,
  SUBSCRIPTION_ALREADY_EXISTS: 409,
  FENCED: 409,
  ALREADY_CLAIMED: 409,
  NO_PENDING_WORK: 409,
  INVALID_OFFSET: 409,
} as const;
export type SubscriptionErrorCode = keyof typeof subscriptionErrors;
