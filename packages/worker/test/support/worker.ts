import { onTestFinished } from 'vitest';
import { WorkerApi } from '../../src/api.ts';
import { BuildWorker, type BuildWorkerOptions } from '../../src/build-worker.ts';
import { type CommandRunner, commandRunner } from '../../src/command-runner.ts';
import { Http } from '../../src/http.ts';
import { workerLog } from '../../src/worker-log.ts';
import type { FakeServer } from './fake-server.ts';
import { tempDir } from './temp-dir.ts';

export type TestWorker = { worker: BuildWorker; dir: string; said: () => string };

/** A worker that runs whatever command a build brings; given back and closed with the test. */
export async function startTestWorker(
  server: FakeServer,
  options: Partial<BuildWorkerOptions> & { runner?: Partial<CommandRunner> } = {},
): Promise<TestWorker> {
  const dir = options.dir ?? (await tempDir());
  let said = '';
  const runner: CommandRunner = {
    tasks: new Map(),
    allowBuildCommand: true,
    fallback: { artifacts: ['*.out'], graceMs: 1_000 },
    ...options.runner,
  };
  const worker = new BuildWorker({
    api: new WorkerApi(new Http(server.url), server.token),
    seats: 1,
    run: commandRunner(runner),
    log: workerLog((line) => (said += line)),
    ...options,
    dir,
  });
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`--- the worker of "${task.name}" said:\n${said}\n`);
    worker.abandon('the test is over');
    await worker.closed;
  });
  await worker.start();
  return { worker, dir, said: () => said };
}
