import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { hostFailure } from './build-failure.ts';
import { within } from './clock.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Mask } from './mask.ts';
import { startTimeOf } from './process-table.ts';
import { orderOf } from './stop-order.ts';
import { stopProcesses } from './stop-processes.ts';

export type RunCommand = {
  /** A string is given to `sh -c`; an array is a program and its arguments. */
  command: string | readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  buildId: string;
  term: number;
  graceMs: number;
  /** Aborted with a `StopOrder`: the group gets SIGTERM, the grace, SIGKILL. */
  signal: AbortSignal;
  mask: Mask;
  onLine: (text: string, source: 'stdout' | 'stderr') => void;
  /** Awaited between chunks of output: while it waits the command's pipe fills and the command waits too. */
  room: () => Promise<void>;
  /** Called with the new group before the command could have done much, so that a restarted worker can find it. */
  onStarted: (group: number, startedAt: string | undefined) => Promise<void>;
};

/** `exitCode` of a command ended by a signal is 128 + its number, as shells say it. */
export type CommandEnd = { exitCode: number; signal: string | null };

/** Once the command is over, how long leftovers of its group get before SIGTERM becomes SIGKILL, at most. */
const leftoverGraceMsMax = 5_000;
/** How long its last output may take to arrive. */
const outputWaitMsMax = 5_000;

/**
 * Runs one command in a process group of its own (and session: it has no terminal), stdin closed, umask 077, with
 * exactly the environment given. Returns when the command and everything it left behind in its group are gone.
 */
export async function runCommand(run: RunCommand): Promise<CommandEnd> {
  const argv = typeof run.command === 'string' ? ['/bin/sh', '-c', run.command] : run.command;
  const child = spawn('/bin/sh', ['-c', 'umask 077; exec "$@"', 'sh', ...argv], {
    cwd: run.cwd,
    env: { ...run.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  ended.catch(() => undefined);
  const group = child.pid;
  const processes = { group, buildId: run.buildId, term: run.term };
  let stopping: Promise<number[]> | undefined;
  const onAbort = (): void => {
    stopping ??= stopProcesses(processes, Math.min(run.graceMs, orderOf(run.signal).graceMs ?? run.graceMs));
  };
  run.signal.addEventListener('abort', onAbort, { once: true });
  if (run.signal.aborted) onAbort();
  const output = Promise.all([pump(child.stdout, 'stdout', run), pump(child.stderr, 'stderr', run)]);
  output.catch(() => undefined);
  try {
    // Without a pid it never started, and `ended` says why.
    if (group !== undefined) await run.onStarted(group, await startTimeOf(group));
    const end = await ended;
    // Also after a clean end: a server started with `&` must not outlive the build, and it holds the pipes open.
    await (stopping ?? settleOutput(output));
    await stopProcesses(processes, Math.min(run.graceMs, leftoverGraceMsMax));
    await within(output, outputWaitMsMax);
    return end;
  } catch (error) {
    await (stopping ?? stopProcesses(processes, 0));
    throw hostFailure(error, 'running the command');
  } finally {
    run.signal.removeEventListener('abort', onAbort);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

async function endOf(child: ChildProcess): Promise<CommandEnd> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { exitCode: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), signal };
}

const signalNumbers: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

async function pump(stream: Readable, source: 'stdout' | 'stderr', run: RunCommand): Promise<void> {
  const masked = run.mask.stream();
  const lines = new LineSplitter((text) => run.onLine(text, source));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      lines.push(masked.push(chunk));
      await run.room();
    }
  } catch (error) {
    // Destroyed by us because something kept the pipe open for ever: what came so far still counts.
    if (!stream.destroyed) throw error;
  }
  lines.push(masked.end());
  lines.end();
}

/** The pipes close at once unless something in the background holds them; a short wait tells the two apart. */
const settleOutput = (output: Promise<unknown>): Promise<void> => within(output, 50);
