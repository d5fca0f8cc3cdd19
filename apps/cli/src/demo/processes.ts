import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

type Fate = 'parent-fd' | 'guard';

const guard = fileURLToPath(new URL('guard.ts', import.meta.url));

/**
 * Child processes of the demo, with one fate: when one dies, or when asked to, all stop, the last started first. Each holds the other
 * end of a pipe of ours, so they also stop, cleanly and by themselves, when this process ends in any other way: by a second Ctrl-C,
 * by `kill -9`. Nothing is killed on the way out: a server that is killed leaves its Postgres running.
 */
export class Processes implements AsyncDisposable {
  readonly #children: { name: string; child: ChildProcess }[] = [];
  /** Resolves with the name of the first process that ended by itself. */
  readonly ended: Promise<string>;
  #end!: (name: string) => void;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** `fate`: how it hears of our end. The server follows a pipe by itself (`--parent-fd`); others are run under a guard that does. */
  start(
    name: string,
    fate: Fate,
    [script, ...words]: readonly [string, ...string[]],
    env: Record<string, string>,
  ): void {
    const args = fate === 'guard' ? [guard, script, ...words] : [script, ...words, '--parent-fd', '3'];
    const stdio: StdioOptions =
      fate === 'guard' ? ['pipe', 'ignore', 'inherit'] : ['ignore', 'ignore', 'inherit', 'pipe'];
    // A group of its own: Ctrl-C on the terminal reaches us first, and we stop the parts in order.
    const child = spawn(process.execPath, args, { stdio, detached: true, env: { ...plainEnvironment(), ...env } });
    // A pipe whose other end is gone is told by `exit` already.
    for (const pipe of child.stdio) pipe?.on('error', () => undefined);
    child.once('error', () => this.#end(name));
    child.once('exit', () => this.#end(name));
    this.#children.push({ name, child });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await gone;
      clearTimeout(hard);
    }
  }
}

/** Settings of another server, and its database, are none of the demo's. */
const plainEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('MUSTER_') && name !== 'DATABASE_URL'),
  );
