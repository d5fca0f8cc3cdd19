import { type ErrorCode, MusterError } from '@muster/protocol/errors';

/** What the shell sees. Scripts branch on these, so they never change meaning. */
export const exitCodes = {
  done: 0,
  runFailed: 1,
  usage: 2,
  denied: 3,
  notFound: 4,
  conflict: 5,
  exhausted: 6,
  unavailable: 7,
  internal: 8,
  runCancelled: 9,
  timeout: 124,
  interrupted: 130,
} as const;

const byCode: Record<ErrorCode, number> = {
  invalid: exitCodes.usage,
  unauthenticated: exitCodes.denied,
  forbidden: exitCodes.denied,
  notFound: exitCodes.notFound,
  conflict: exitCodes.conflict,
  exhausted: exitCodes.exhausted,
  unavailable: exitCodes.unavailable,
  internal: exitCodes.internal,
};

/** The awaited run ended otherwise than hoped, or watching ended early: nothing broke, but the shell must know. */
export class Ended extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof Ended) return error.exitCode;
  if (error instanceof MusterError) return byCode[error.code];
  return exitCodes.internal;
}
