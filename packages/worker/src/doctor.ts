import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Diagnostics } from '@muster/protocol';
import { WorkerApi } from './api.ts';
import { monotonic, now } from './clock.ts';
import type { WorkerConfig } from './config.ts';
import { Http } from './http.ts';
import { diskPercent } from './usage-sample.ts';

type Verdict = { status: 'pass' | 'warn' | 'fail'; message: string; details?: Record<string, unknown> };
type Check = { name: string; look: () => Promise<Verdict> };

const diskFreeFailBytes = 1024 ** 3;
const diskFreeWarnBytes = 10 * 1024 ** 3;
const clockWarnMs = 5_000;
const clockFailMs = 120_000;
const nodeMajorMin = 24;

/** Looks at everything a build on this machine will need. `token` may be missing: then the server is only greeted. */
export async function examine(config: WorkerConfig, token: string | undefined): Promise<Diagnostics> {
  const began = monotonic();
  const runAt = new Date(now()).toISOString();
  const checks: NonNullable<Diagnostics['checks']> = [];
  for (const { name, look } of checksOf(config, token)) {
    const at = monotonic();
    const verdict = await look().catch(
      (error: unknown): Verdict => ({
        status: 'fail',
        message: error instanceof Error ? error.message : String(error),
      }),
    );
    checks.push({
      name,
      durationMs: Math.round(monotonic() - at),
      autoFixed: false,
      ...verdict,
      message: verdict.message.slice(0, 4_096),
    });
  }
  const status = checks.some((check) => check.status === 'fail')
    ? 'critical'
    : checks.some((check) => check.status === 'warn')
      ? 'warning'
      : 'healthy';
  return { status, runAt, durationMs: Math.round(monotonic() - began), autoFixed: false, checks };
}

function checksOf(config: WorkerConfig, token: string | undefined): Check[] {
  const http = new Http(config.url);
  return [
    { name: 'node', look: () => Promise.resolve(nodeVersion()) },
    { name: 'system', look: () => Promise.resolve(system()) },
    { name: 'folder', look: () => folder(config.dir) },
    { name: 'disk', look: () => disk(config.dir) },
    ...[...config.runner.tasks].map(
      ([name, task]): Check => ({ name: `command ${name}`, look: () => command(task.command) }),
    ),
    { name: 'connection', look: () => connection(http) },
    { name: 'clock', look: () => clock(http) },
    { name: 'credential', look: () => credential(http, token) },
  ];
}

function nodeVersion(): Verdict {
  const good = Number(process.versions.node.split('.')[0]) >= nodeMajorMin;
  return {
    status: good ? 'pass' : 'fail',
    message: `Node ${process.versions.node}${good ? '' : `; ${nodeMajorMin} or newer is needed`}`,
  };
}

function system(): Verdict {
  if (process.platform === 'win32') return { status: 'fail', message: 'Windows has no process groups; use WSL' };
  if (process.platform !== 'linux')
    return {
      status: 'pass',
      message: `${process.platform}: processes that leave their group cannot be found after a cancel`,
    };
  return process.getuid?.() === 0
    ? { status: 'warn', message: 'runs as root: so does every build' }
    : { status: 'pass', message: 'linux' };
}

/** Also that programs may be started there: some machines mount temporary folders `noexec`. */
async function folder(dir: string): Promise<Verdict> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const probe = join(dir, `doctor-${process.pid}.sh`);
  try {
    await writeFile(probe, '#!/bin/sh\nexit 0\n', { mode: 0o700 });
    const code = await exitCodeOf(probe, []);
    return code === 0
      ? { status: 'pass', message: dir }
      : { status: 'fail', message: `${dir}: a program there ended with ${code}` };
  } finally {
    await rm(probe, { force: true });
  }
}

async function disk(dir: string): Promise<Verdict> {
  const { bavail, bsize } = await statfs(dir);
  const freeBytes = bavail * bsize;
  const status = freeBytes < diskFreeFailBytes ? 'fail' : freeBytes < diskFreeWarnBytes ? 'warn' : 'pass';
  return {
    status,
    message: `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`,
    details: { freeBytes, usedPercent: await diskPercent(dir) },
  };
}

/** Looks up the program a command begins with; a shell command is only checked for its syntax and first word. */
async function command(argv: string | readonly string[]): Promise<Verdict> {
  const text = typeof argv === 'string' ? argv : argv.join(' ');
  if (typeof argv === 'string' && (await exitCodeOf('/bin/sh', ['-n', '-c', argv])) !== 0)
    return { status: 'fail', message: `sh cannot read: ${text}` };
  const program = typeof argv === 'string' ? /^[A-Za-z0-9_./-]+(?=\s|$)/.exec(argv.trim())?.[0] : argv[0];
  if (program === undefined || shellWords.has(program)) return { status: 'pass', message: text };
  // A relative path is one of the source, which is not here.
  if (program.includes('/') && !program.startsWith('/')) return { status: 'pass', message: text };
  const found = await findProgram(program);
  return found === undefined
    ? { status: 'fail', message: `${program} is not on PATH` }
    : { status: 'pass', message: found };
}

const shellWords = new Set([
  'cd',
  'echo',
  'exec',
  'exit',
  'export',
  'false',
  'for',
  'if',
  'printf',
  'set',
  'test',
  'true',
  'umask',
  'while',
  ':',
  '.',
]);

async function exitCodeOf(program: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

async function findProgram(program: string): Promise<string | undefined> {
  const places = program.startsWith('/')
    ? [program]
    : (process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return place;
    } catch {
      // Not there: the next one.
    }
  }
  return undefined;
}

async function connection(http: Http): Promise<Verdict> {
  const began = monotonic();
  const answer = await http.open('GET', '/health', { signal: AbortSignal.timeout(10_000) });
  await answer.body?.cancel();
  return { status: 'pass', message: `${http.base} answers in ${Math.round(monotonic() - began)} ms` };
}

/** Leases go by the server's clock, so a wrong one here only makes logs hard to read. */
async function clock(http: Http): Promise<Verdict> {
  const began = now();
  const answer = await http.open('GET', '/health', { signal: AbortSignal.timeout(10_000) });
  await answer.body?.cancel();
  const date = Date.parse(answer.headers.get('date') ?? '');
  if (Number.isNaN(date)) return { status: 'warn', message: 'the server does not say what time it has' };
  // The header has whole seconds: half of one is added.
  const offMs = Math.round((began + now()) / 2 - (date + 500));
  const status = Math.abs(offMs) > clockFailMs ? 'fail' : Math.abs(offMs) > clockWarnMs ? 'warn' : 'pass';
  return { status, message: `${(offMs / 1_000).toFixed(1)} s off the server's`, details: { offMs } };
}

async function credential(http: Http, token: string | undefined): Promise<Verdict> {
  if (token === undefined)
    return { status: 'warn', message: 'no worker token yet; the first start with --join gets one' };
  const worker = await new WorkerApi(http, token).change({}, AbortSignal.timeout(10_000));
  return {
    status: 'pass',
    message: `${worker.name} (${worker.id}), ${worker.state}`,
    details: { workerId: worker.id },
  };
}
