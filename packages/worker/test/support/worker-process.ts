import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { until } from './until.ts';

const bin = fileURLToPath(new URL('../../bin/muster-worker.mjs', import.meta.url));

export type WorkerProcess = {
  child: ChildProcess;
  output: () => string;
  exit: Promise<number | null>;
  says: (text: string | RegExp) => Promise<void>;
};

/** The real binary; killed with the test if it is still there. */
export function workerProcess(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; node?: string } = {},
): WorkerProcess {
  const child = spawn(options.node ?? process.execPath, [bin, ...args], {
    cwd: options.cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ...(process.env['NODE_COMPILE_CACHE'] === undefined
        ? {}
        : { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`--- the worker of "${task.name}" said:\n${output}\n`);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exit;
  });
  const says = async (text: string | RegExp): Promise<void> => {
    await until(`the worker says ${String(text)}, but it said\n${output}`, () =>
      typeof text === 'string' ? output.includes(text) : text.test(output),
    );
  };
  return { child, output: () => output, exit, says };
}
