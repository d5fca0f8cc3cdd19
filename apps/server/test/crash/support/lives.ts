import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from '#test/until';

const entry = join(import.meta.dirname, 'server-child.ts');

/** How a life ends: at a named point, when its load is done (`kill`), or by the death of its Postgres. */
export type Death = { point: string; nth: number } | 'kill' | 'postgres';

/**
 * One server over many lives: the same data folder, port and key, another process each time. Its output is kept of the
 * present life only, for the message of a failure.
 */
export class Lives implements AsyncDisposable {
  readonly url: string;
  readonly #dataDir: string;
  readonly #port: number;
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #output = '';
  count = 0;

  private constructor(dataDir: string, port: number, env: Record<string, string>) {
    this.#dataDir = dataDir;
    this.#port = port;
    this.#env = env;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async in(dataDir: string, env: Record<string, string> = {}): Promise<Lives> {
    return new Lives(dataDir, await freePort(), env);
  }

  /** Starts the next life and resolves when it is ready. */
  async begin(death: Death = 'kill'): Promise<void> {
    const words = typeof death === 'object' ? [`point=${death.point}`, `nth=${death.nth}`] : [];
    this.#output = '';
    const child = spawn(
      process.execPath,
      [entry, ...words, '--', `--data-dir=${this.#dataDir}`, `--port=${this.#port}`],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_NO_WARNINGS: '1', LOG_LEVEL: 'warn', ...this.#env },
      },
    );
    for (const pipe of [child.stdout, child.stderr])
      pipe.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-20_000)));
    this.#child = child;
    this.count += 1;
    await until(async () => this.over || (await this.#answers()), { withinMs: 60_000, everyMs: 40 });
    // A point of the start itself (recovery, the first sweep) may end a life before it is ready; that is a life too.
  }

  /** Whether this life is over. */
  get over(): boolean {
    return this.#child?.exitCode !== null || this.#child.signalCode !== null;
  }

  get output(): string {
    return this.#output;
  }

  /** `kill -9`, and resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || this.over) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Kills the whole Postgres of this server, as an out-of-memory killer would. */
  async killPostgres(): Promise<void> {
    const location = await readFile(join(this.#dataDir, 'pg.location'), 'utf8').then(
      (text) => text.trim(),
      () => join(this.#dataDir, 'postgres', 'pg'),
    );
    const pid = Number((await readFile(join(location, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    process.kill(pid, 'SIGKILL');
  }

  async key(): Promise<string> {
    return (await readFile(join(this.#dataDir, 'first-key'), 'utf8')).trim();
  }

  async #answers(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/ready`);
      await answer.body?.cancel();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (!child || this.over) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
