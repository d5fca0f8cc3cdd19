import type { WorkerApi } from './api.ts';
import { type JobFolder, leftFolders, removeJobFolder } from './job-folder.ts';
import { startTimeOf } from './process-table.ts';
import { type AttemptState, readState } from './state-file.ts';
import { stopProcesses } from './stop-processes.ts';
import type { Log } from './worker-log.ts';

export type Unreported = { state: AttemptState & { stage: 'finished' }; folder: JobFolder };

/** A killed worker's command has no reader for its output any more; it gets little time. */
const graceMs = 2_000;
const abandonMsMax = 5_000;

/**
 * Clears up after a worker that did not end by itself. Attempts whose outcome stands are returned, to be reported; of
 * all others the processes are ended, the build is given back, and the folder goes away. When the server is away the
 * giving back is left to the next claim, which does not list the build as held.
 */
export async function recover(dir: string, api: WorkerApi, log: Log): Promise<Unreported[]> {
  const unreported: Unreported[] = [];
  for (const { buildId, term, folder } of await leftFolders(dir)) {
    const state = await readState(folder.root);
    if (state?.stage === 'finished' && state.url === api.http.base) {
      log.info('an attempt was finished but not reported', { build: buildId, term });
      unreported.push({ state, folder });
      continue;
    }
    // The number may belong to somebody else by now; strays are recognised by their variables in any case.
    const ours =
      state?.stage === 'running' && state.startedAt !== null && (await startTimeOf(state.group)) === state.startedAt;
    const left = await stopProcesses({ group: ours ? state.group : undefined, buildId, term }, graceMs);
    if (left.length > 0)
      log.error('processes of an old attempt cannot be ended', { build: buildId, pids: left.join(',') });
    if (state && state.url === api.http.base) await giveBack(api, state, log);
    await removeJobFolder(folder);
    log.info('cleared up after an attempt of an earlier life', { build: buildId, term });
  }
  return unreported;
}

async function giveBack(api: WorkerApi, state: AttemptState, log: Log): Promise<void> {
  try {
    await api
      .attempt(state.buildId, state.term, state.token)
      .abandon('the worker was killed and started again', AbortSignal.timeout(abandonMsMax));
  } catch (error) {
    log.warn('an old attempt could not be given back', { build: state.buildId, error });
  }
}
