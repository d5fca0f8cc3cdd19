import {
  type ErrorCode,
  errorCodes,
  httpStatusOf,
  MusterError,
  type SubscriptionErrorCode,
  subscriptionErrors,
} from '@muster/protocol';

/**
 * An error of these calls: problem details like everywhere, and inside them `error`, as the protocol's own clients look
 * for it.
 */
export function fault(
  code: SubscriptionErrorCode,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
): MusterError {
  const status = subscriptionErrors[code];
  return new MusterError(codeOf(status), {
    reason: code.toLowerCase(),
    detail,
    status,
    extra: { error: { code, message: detail, ...more } },
  });
}

const codeOf = (status: number): ErrorCode => errorCodes.find((code) => httpStatusOf[code] === status) ?? 'internal';

export const noSuchSubscription = (id: string): MusterError =>
  fault('SUBSCRIPTION_NOT_FOUND', `There is no subscription ${JSON.stringify(id.slice(0, 100))}.`);
export const fenced = (): MusterError =>
  fault('FENCED', 'This wake is over: a newer one has begun, or it was finished or released.');
