import { join } from 'node:path';
import { MusterError } from '@muster/protocol';
import type { AttemptApi } from './api.ts';
import { BuildFailure } from './build-failure.ts';
import type { JobFolder } from './job-folder.ts';
import type { SendEnd } from './log-sender.ts';
import type { LogSpool } from './log-spool.ts';
import { untilAnswered } from './retrying.ts';
import type { Outcome } from './state-file.ts';
import { uploadArtifact } from './upload.ts';
import type { Log } from './worker-log.ts';

export type ReportDeps = {
  api: AttemptApi;
  folder: JobFolder;
  spool: LogSpool;
  sending: Promise<SendEnd>;
  log: Log;
  signal: AbortSignal;
};
const restName = 'log-rest.txt';

/**
 * Tells the server how an attempt ended: the log to its last line, the artifacts, then the result. Every step can be
 * repeated, so a worker that died in the middle does all of it again. Throws what `stop` or the server's refusal says.
 */
export async function report(deps: ReportDeps, outcome: Outcome): Promise<void> {
  const { api, log, signal, spool } = deps;
  await spool.close();
  const full = (await untilAborted(deps.sending, signal)) === 'full';
  if (outcome.kind === 'failed') {
    if (full) await storeRest(deps);
    return fail(deps, outcome.failure);
  }
  const artifacts: string[] = [...outcome.stored];
  try {
    for (const file of outcome.files) artifacts.push(await uploadArtifact(api, file, log, signal));
    if (full) artifacts.push(...(await storeRest(deps)));
    const exitCode = outcome.exitCode === undefined ? {} : { exitCode: outcome.exitCode };
    await untilAnswered('reporting the result', log, signal, () => api.result({ artifacts, ...exitCode }, signal));
  } catch (error) {
    const failure = userFailure(error);
    if (!failure) throw error;
    log.warn('the result was not accepted', { error });
    await fail(deps, failureOf(failure));
  }
}

export type FailureReport = Extract<Outcome, { kind: 'failed' }>['failure'];

export function failureOf(failure: BuildFailure): FailureReport {
  return {
    code: failure.code,
    detail: failure.message.slice(0, 8_192),
    attribution: failure.attribution,
    ...(failure.exitCode !== undefined && { exitCode: failure.exitCode }),
    ...(failure.lastLines.length > 0 && {
      lastLines: failure.lastLines.slice(-20).map((line) => line.slice(0, 4_096)),
    }),
  };
}

const fail = ({ api, log, signal }: ReportDeps, failure: FailureReport): Promise<void> =>
  untilAnswered('reporting the failure', log, signal, () => api.fail(failure, signal));

/** What the server says of a result that only another build can mend. */
function userFailure(error: unknown): BuildFailure | undefined {
  if (error instanceof BuildFailure) return error;
  if (!(error instanceof MusterError) || error.code !== 'invalid') return undefined;
  if (error.reason === 'artifact_missing') return new BuildFailure('artifact_missing', error.message, { cause: error });
  if (error.status === 413) return new BuildFailure('artifact_too_large', error.message, { cause: error });
  return new BuildFailure('worker_error', `the server refuses the result: ${error.message}`, { cause: error });
}

/** What the server's log limit left over. A build is not failed for want of it. */
async function storeRest({ api, folder, log, signal, spool }: ReportDeps): Promise<string[]> {
  const path = join(folder.root, restName);
  try {
    return (await spool.writeRest(path)) ? [await uploadArtifact(api, { name: restName, path }, log, signal)] : [];
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MusterError && error.code === 'conflict') throw error;
    log.warn('the rest of the log could not be stored', { error });
    return [];
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
