import { forbidden, MusterError } from '#kernel/base';

/**
 * The protocol lists `scope_missing` (streams §15) for what the house calls `missing_scope`: nothing below `/v1/stream/` and no
 * frame of a stream says the other, whoever refused.
 */
export const inProtocolWords = (error: unknown): unknown =>
  error instanceof MusterError && error.reason === 'missing_scope'
    ? forbidden('scope_missing', error.message, { extra: error.extra, cause: error })
    : error;
