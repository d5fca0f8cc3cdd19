import { type Attribution, type FailureCode, failureCodes } from '@muster/protocol';

export type FailureDetails = {
  attribution?: Attribution;
  exitCode?: number;
  lastLines?: readonly string[];
  cause?: unknown;
};

/**
 * Ends an attempt as failed, with the code people and retry rules go by. The attribution follows from the code unless
 * the thrower knows better. Thrown by every step of an attempt, and by a `run` of the SDK that wants a precise code.
 */
export class BuildFailure extends Error {
  override readonly name = 'BuildFailure';
  readonly code: FailureCode;
  readonly attribution: Attribution;
  readonly exitCode: number | undefined;
  readonly lastLines: readonly string[];

  constructor(code: FailureCode, detail: string, details: FailureDetails = {}) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.attribution = details.attribution ?? failureCodes[code].attribution;
    this.exitCode = details.exitCode;
    this.lastLines = details.lastLines ?? [];
  }
}

/** A system error that says the machine is full is the host's fault, whatever step met it. */
export function hostFailure(error: unknown, doing: string): BuildFailure {
  if (error instanceof BuildFailure) return error;
  const code = errnoOf(error);
  const detail = `${doing}: ${error instanceof Error ? error.message : String(error)}`;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new BuildFailure('worker_disk_full', detail, { cause: error })
    : new BuildFailure('worker_error', detail, { cause: error });
}

export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
