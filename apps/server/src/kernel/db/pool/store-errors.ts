import { asError, MusterError, unavailable } from '#kernel/base';

/** When to come back after `store_down`. */
const storeDownRetryAfterMs = 2_000;

/** SQLSTATEs that say "Postgres is not there now" rather than "your statement is wrong". */
const downStates = new Set([
  '57P01', // admin_shutdown: this connection was ended
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up or shutting down
  '57P05', // idle_session_timeout
  '53300', // too_many_connections
  '25P03', // idle_in_transaction_session_timeout: the connection is gone
]);

const downSystemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT', // the Unix socket is not there (yet)
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
]);

/** The driver gives these no code. */
const downMessages = [
  'Connection terminated',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Query read timeout',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'Cannot use a pool after calling end',
];

/** The SQLSTATE or system code of anything thrown by the driver. */
export function errorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Whether `thrown` means that Postgres cannot be reached, as opposed to refusing a statement. */
export function isStoreDown(thrown: unknown): boolean {
  if (thrown instanceof MusterError) return thrown.code === 'unavailable' && thrown.reason === 'store_down';
  if (thrown instanceof AggregateError) return thrown.errors.length > 0 && thrown.errors.every(isStoreDown);
  const code = errorCode(thrown);
  if (code !== undefined) return code.startsWith('08') || downStates.has(code) || downSystemCodes.has(code);
  return thrown instanceof Error && downMessages.some((message) => thrown.message.includes(message));
}

/** `unavailable` when Postgres is not there; anything else unchanged. */
export function asStoreError(thrown: unknown): Error {
  if (thrown instanceof MusterError || !isStoreDown(thrown)) return asError(thrown);
  return unavailable('store_down', 'The database cannot be reached at the moment.', {
    retryAfterMs: storeDownRetryAfterMs,
    cause: thrown,
  });
}
