import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Child processes of the demo, with one fate: when one dies, or when asked to, all stop, the last started first. */
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

  start(name: string, args: readonly string[], env: Record<string, string>): void {
    // A group of its own: Ctrl-C on the terminal reaches us first, and we stop the parts in order.
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
      env: { ...process.env, ...env },
    });
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
