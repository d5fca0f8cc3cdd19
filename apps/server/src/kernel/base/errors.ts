import { type ErrorCode, MusterError, type MusterErrorInit } from '@muster/protocol';

type Rest = Omit<MusterErrorInit, 'reason' | 'detail'>;
const maker =
  (code: ErrorCode) =>
  (reason: string, detail: string, rest: Rest = {}): MusterError =>
    new MusterError(code, { reason, detail, ...rest });

export const invalid = maker('invalid');
export const unauthenticated = maker('unauthenticated');
export const forbidden = maker('forbidden');
export const notFound = maker('notFound');
export const conflict = maker('conflict');
export const exhausted = maker('exhausted');
export const unavailable = maker('unavailable');
export const internal = maker('internal');
export { MusterError };

/** Reads any thrown value as an Error, so that logs and causes are never `[object Object]`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
