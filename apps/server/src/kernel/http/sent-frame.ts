import { invalid, type MusterError } from '#kernel/base';
import type { Fields } from './frame-types.ts';

type Ref = string | number;

/** One frame of a client, read as far as every frame is alike. */
export type SentFrame = {
  readonly t: string;
  /** Comes back in the answer. */
  readonly ref: Ref | undefined;
  /** It had one that cannot come back. */
  readonly badRef: boolean;
  readonly fields: Fields;
  readonly bytes: Buffer;
};

const refLengthMax = 128;

/** `undefined` for what is no frame at all: not a JSON object, or without a word. */
export function readFrame(data: Buffer): SentFrame | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a JSON object
  const { t, ref, ...fields } = value as Record<string, unknown>;
  if (typeof t !== 'string') return undefined;
  return isRef(ref)
    ? { t, ref, badRef: false, fields, bytes: data }
    : { t, ref: undefined, badRef: true, fields, bytes: data };
}

const isRef = (ref: unknown): ref is Ref | undefined =>
  ref === undefined || typeof ref === 'number' || (typeof ref === 'string' && ref.length <= refLengthMax);

export const badRef = (): MusterError =>
  invalid('invalid_frame', `/ref: text of at most ${refLengthMax} characters, or a number.`, {
    errors: [{ pointer: '/ref', detail: `text of at most ${refLengthMax} characters, or a number` }],
  });

/** What went wrong, in the words of problem details. */
export const errFields = (error: MusterError): Fields => ({
  ...error.extra,
  code: error.code,
  reason: error.reason,
  detail: error.message,
  ...(error.errors.length > 0 ? { errors: error.errors } : {}),
  ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
});
