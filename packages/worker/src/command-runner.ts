import { type Job } from '@muster/protocol';
import { findArtifacts } from './artifacts.ts';
import type { BuildContext, RunBuild } from './build-context.ts';
import { BuildFailure } from './build-failure.ts';

/** One command an operator offers; builds name it as their `task`. */
export type Task = {
  command: string | readonly string[];
  /** Globs below the source's folder; the first match is the primary artifact. */
  artifacts: readonly string[];
  env: Readonly<Record<string, string>>;
  maxRunMs?: number | undefined;
  graceMs: number;
};
export type CommandRunner = {
  tasks: ReadonlyMap<string, Task>;
  /** What a build without a task gets. */
  defaultTask?: string | undefined;
  /** Whether a build may bring its own command, run with the default task's limits. */
  allowBuildCommand: boolean;
  fallback: Pick<Task, 'artifacts' | 'graceMs' | 'maxRunMs'>;
};

/** The `run` of `muster-worker`: source, certificates, command, artifacts. */
export function commandRunner(runner: CommandRunner): RunBuild {
  return async (job: Job, context: BuildContext) => {
    const task = chooseTask(job, runner);
    if (task.maxRunMs !== undefined) context.limitRun(task.maxRunMs);
    const cwd = await context.source();
    if (job.certs) await context.certs();
    context.log(`$ ${typeof task.command === 'string' ? task.command : task.command.map(quoted).join(' ')}`);
    const { exitCode, signal, lastLines } = await context.exec(task.command, {
      cwd,
      env: task.env,
      graceMs: task.graceMs,
    });
    context.signal.throwIfAborted();
    if (exitCode !== 0) {
      const how = signal === null ? `with exit code ${exitCode}` : `by signal ${signal}`;
      throw new BuildFailure('command_failed', `the command ended ${how}`, { exitCode, lastLines });
    }
    const files = await findArtifacts(context.folder, task.artifacts, job.limits);
    if (job.build.expects === 'artifact' && files.length === 0) {
      const sought =
        task.artifacts.length === 0 ? 'the worker names no --artifact' : `nothing matches ${task.artifacts.join(', ')}`;
      throw new BuildFailure(
        'artifact_missing',
        `an artifact is expected, but ${sought} and MUSTER_ARTIFACTS_DIR is empty`,
      );
    }
    return { exitCode, files };
  };
}

function chooseTask({ build }: Job, runner: CommandRunner): Task {
  const { tasks, defaultTask, allowBuildCommand, fallback } = runner;
  if (build.command !== null) {
    if (!allowBuildCommand)
      throw new BuildFailure(
        'command_not_allowed',
        'the build brings a command, and this worker was started without --allow-build-command',
      );
    const base = tasks.get(build.task ?? defaultTask ?? '') ?? { ...fallback, env: {} };
    return { ...base, command: build.command };
  }
  const name = build.task ?? defaultTask;
  const task = name === undefined ? undefined : tasks.get(name);
  if (task) return task;
  const offered = tasks.size === 0 ? 'none' : [...tasks.keys()].join(', ');
  const wanted = name === undefined ? 'the build names no task' : `this worker has no task ${JSON.stringify(name)}`;
  throw new BuildFailure('command_not_allowed', `${wanted}; it offers: ${offered}`);
}

const quoted = (text: string): string =>
  /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
