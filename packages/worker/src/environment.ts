import type { Job } from '@muster/protocol';
import type { JobFolder } from './job-folder.ts';

/**
 * Everything a command sees of the outside: these names, the task's and the build's own variables, and nothing of the
 * worker's environment. Ours are set last: stray processes are found by them, so a build cannot rename itself.
 */
export function environmentOf(
  job: Job,
  folder: JobFolder,
  url: string,
  host: { path: string; lang: string },
  taskEnv: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    PATH: host.path,
    HOME: folder.home,
    LANG: host.lang,
    CI: '1',
    ...taskEnv,
    ...job.env,
    ...job.secretEnv,
    MUSTER_BUILD_ID: job.build.id,
    MUSTER_TERM: String(job.build.term),
    MUSTER_URL: url,
    MUSTER_BUILD_TOKEN: job.token,
    MUSTER_ARTIFACTS_DIR: folder.artifacts,
    MUSTER_CERTS_DIR: folder.certs,
  };
}

/** Of the worker's own surroundings a command gets these two. */
export const hostEnvironment = (env: NodeJS.ProcessEnv = process.env): { path: string; lang: string } => ({
  path: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  lang: env['LANG'] ?? 'C.UTF-8',
});
