import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ChildLine, ChildOptions } from './database-child.ts';

const program = fileURLToPath(new URL('./database-child.ts', import.meta.url));
const cache = process.env['NODE_COMPILE_CACHE'];
const compiled = cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
type Ready = Extract<ChildLine, { event: 'ready' }>;
type Refused = Extract<ChildLine, { event: 'refused' }>;

export type RunAs = {
  uid?: number;
  gid?: number;
  cwd?: string /** Words before the command, such as `unshare -m`. */;
  wrap?: string[];
};

/** A running `database-child.ts`. */
export type DatabaseProcess = AsyncDisposable & {
  child: ChildProcess;
  ready: Ready;
  /** kill -9, and waits until the process is gone. Its Postgres goes on. */
  kill(): Promise<void>;
  /** Ends it in good order, Postgres included. */
  stop(): Promise<void>;
};

/** Starts a database process that must come up. Disposal stops it when it still runs. */
export async function startDatabase(options: ChildOptions, as: RunAs = {}): Promise<DatabaseProcess> {
  const { child, first } = launch(options, as);
  const line = await first;
  if (line.event !== 'ready') throw new Error(`the database did not start: ${JSON.stringify(line)}`);
  const gone = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  const stop = async (): Promise<void> => {
    child.stdin?.end('stop\n');
    await gone();
  };
  return {
    child,
    ready: line,
    async kill() {
      child.kill('SIGKILL');
      await gone();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Starts a database process that must refuse, and returns why it did. */
export async function refusedDatabase(options: ChildOptions, as: RunAs = {}): Promise<Refused> {
  const { child, first } = launch(options, as);
  const line = await first;
  if (line.event === 'refused') return line;
  child.stdin?.end();
  await once(child, 'exit');
  throw new Error(`the database started: ${JSON.stringify(line)}`);
}

function launch(options: ChildOptions, as: RunAs): { child: ChildProcess; first: Promise<ChildLine> } {
  const command = [...(as.wrap ?? []), process.execPath, program, JSON.stringify(options)];
  const [word = '', ...rest] = command;
  const child = spawn(word, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: as.cwd ?? '/',
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', ...compiled },
    ...(as.uid === undefined ? {} : { uid: as.uid, gid: as.gid ?? as.uid }),
  });
  child.stdin.on('error', () => undefined);
  return { child, first: firstLine(child) };
}

async function firstLine(child: ChildProcess): Promise<ChildLine> {
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => void (complaint += chunk.toString()));
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as ChildLine;
  throw new Error(`the database process said nothing: ${complaint}`);
}
