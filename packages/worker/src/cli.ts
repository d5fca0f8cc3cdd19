import { readFile } from 'node:fs/promises';
import { MusterError } from '@muster/protocol';
import { Command, Option } from 'commander';
import { WorkerApi } from './api.ts';
import { errnoOf } from './build-failure.ts';
import { BuildWorker, type WorkerEnd } from './build-worker.ts';
import { commandRunner } from './command-runner.ts';
import { ConfigError, type Flags, readConfig, type WorkerConfig } from './config.ts';
import { connectApi, presentToken } from './credential.ts';
import { examine } from './doctor.ts';
import { Http } from './http.ts';
import { workerVersion } from './version.ts';
import { type Log, workerLog } from './worker-log.ts';

/** 0 left as asked · 1 refused, replaced or broken · 2 the flags or the file are wrong. */
const exitCodes = { good: 0, bad: 1, usage: 2 } as const;

type FileFlags = Flags & { config?: string; json?: boolean };
const many = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** Runs `muster-worker …` and resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = exitCodes.good;
  const program = new Command('muster-worker')
    .description('Takes builds from a Muster server and runs them on this machine')
    .version(workerVersion);
  withFlags(program.command('start', { isDefault: true }).description('take builds until told to stop')).action(
    async (flags: FileFlags) => {
      code = await guarded(() => start(flags));
    },
  );
  withFlags(program.command('doctor').description('check this machine and tell the server'))
    .option('--json', 'print the report as JSON')
    .action(async (flags: FileFlags) => {
      code = await guarded(() => doctor(flags));
    });
  await program.parseAsync([...argv], { from: 'user' });
  return code;
}

function withFlags(command: Command): Command {
  return command
    .option('--config <file>', 'settings file (default: worker.toml, when there is one)')
    .option('--url <url>', 'address of the Muster server (MUSTER_URL)')
    .option('--token <token>', 'worker token, wkt_… (MUSTER_WORKER_TOKEN)')
    .option('--token-file <file>', 'file that holds the worker token')
    .option('--join <key>', 'API key to register with; the token it brings is kept in the folder (MUSTER_JOIN_KEY)')
    .option('--name <name>', 'name shown to people (default: the host name)')
    .option('--platform <platform>', 'what this machine builds for; may be repeated', many)
    .option('--label <name=value>', 'what builds may ask for; may be repeated', many)
    .option('--seats <n>', 'builds at the same time (default: 1)')
    .option('--dir <dir>', 'where builds are run (default: ~/.muster/worker)')
    .option('--command <command>', 'what a build without a task runs, by sh -c in its source')
    .option('--artifact <glob>', 'what a build leaves; may be repeated, the first match is the primary one', many)
    .option('--max-run <time>', 'time limit of a build, when its own is longer')
    .option('--grace <time>', 'time between SIGTERM and SIGKILL (default: 10s)')
    .option('--allow-build-command', 'also run commands that builds bring along')
    .option('--once', 'leave after one build')
    .option('--idle-exit <time>', 'leave after so long without a build')
    .addOption(new Option('--transport <kind>', 'how work is heard of').choices(['auto', 'poll']))
    .addOption(new Option('--log-format <format>', 'how this worker writes about itself').choices(['text', 'json']));
}

async function start(flags: FileFlags): Promise<number> {
  const config = await settings(flags);
  const log = workerLog((line) => process.stderr.write(line), config.logFormat);
  const asked = new AbortController();
  let worker: BuildWorker | undefined;
  const signals = onSignals((times, signal) => {
    if (!worker) asked.abort(new Error(`told to stop by ${signal}`));
    else if (times === 1) worker.drain(`${signal}: draining; once more gives the builds back`);
    else worker.abandon(`the worker was told to stop (${signal})`);
  });
  try {
    const api = await connectApi(config, log, asked.signal);
    worker = new BuildWorker({
      api,
      dir: config.dir,
      seats: config.seats,
      run: commandRunner(config.runner),
      log,
      once: config.once,
      idleExitMs: config.idleExitMs,
      transport: config.transport,
    });
    await worker.start();
    log.info('working', { url: api.http.base, dir: config.dir, seats: config.seats });
    return told(await worker.closed, log);
  } catch (error) {
    if (asked.signal.aborted) return exitCodes.good;
    throw error;
  } finally {
    signals[Symbol.dispose]();
  }
}

function told(end: WorkerEnd, log: Log): number {
  if (end.kind === 'left') return exitCodes.good;
  const why = {
    refused: 'the server does not accept this worker’s token',
    replaced: 'another process works with this worker’s token; register each worker by itself',
    broken: 'the worker broke',
  }[end.kind];
  log.error(why, { detail: end.detail });
  return exitCodes.bad;
}

async function doctor(flags: FileFlags): Promise<number> {
  const config = await settings(flags);
  const token = await presentToken(config);
  const report = await examine(config, token);
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else
    for (const { name, status, message } of report.checks)
      process.stdout.write(`${marks[status]} ${name.padEnd(16)} ${message}\n`);
  if (token !== undefined) {
    try {
      await new WorkerApi(new Http(config.url), token).diagnostics(report);
    } catch (error) {
      process.stderr.write(`the report could not be sent: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  return report.status === 'critical' ? exitCodes.bad : exitCodes.good;
}
const marks = { pass: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

async function settings(flags: FileFlags): Promise<WorkerConfig> {
  return readConfig(flags, await settingsFile(flags.config), process.env);
}

/** A file that was named must be there; `worker.toml` may be absent. */
async function settingsFile(path: string | undefined): Promise<string | undefined> {
  try {
    return await readFile(path ?? 'worker.toml', 'utf8');
  } catch (error) {
    if (path === undefined && errnoOf(error) === 'ENOENT') return undefined;
    throw new ConfigError([`--config: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function onSignals(then: (times: number, signal: NodeJS.Signals) => void): Disposable {
  let times = 0;
  const heard = (signal: NodeJS.Signals): void => {
    times += 1;
    then(times, signal);
  };
  const stopSignals = ['SIGTERM', 'SIGINT'] as const;
  const stopListening = (): void => {
    for (const signal of stopSignals) process.off(signal, heard);
  };
  for (const signal of stopSignals) process.on(signal, heard);
  return { [Symbol.dispose]: stopListening };
}

async function guarded(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const said =
      error instanceof MusterError
        ? `${error.message} (${error.reason})`
        : error instanceof Error
          ? error.message
          : String(error);
    process.stderr.write(`${said}\n`);
    return error instanceof ConfigError ? exitCodes.usage : exitCodes.bad;
  }
}
