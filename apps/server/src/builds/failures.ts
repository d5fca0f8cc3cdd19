import { type Attribution, type Failure, type FailureCode, failureCodes } from '@muster/protocol';

/** A failure as it is stored and shown: the code decides who caused it and what to do, unless the reporter knows better. */
export function failureOf(
  code: FailureCode,
  detail: string,
  more: { attribution?: Attribution; exitCode?: number; lastLines?: string[] } = {},
): Failure {
  const { attribution, remedy } = failureCodes[code];
  return {
    code,
    detail,
    attribution: more.attribution ?? attribution,
    remedy,
    docsUrl: `/docs/operate/troubleshooting#${code}`,
    ...(more.exitCode === undefined ? {} : { exitCode: more.exitCode }),
    ...(more.lastLines === undefined ? {} : { lastLines: more.lastLines }),
  };
}
