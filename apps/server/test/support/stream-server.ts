import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { randomToken } from '#kernel/base';
import { childEnv } from './child-env.ts';
import type { TestDatabase } from './database.ts';

const entry = join(import.meta.dirname, 'stream-server-child.ts');

/**
 * A server process that may be killed and started again on the same port, data folder, database and key. Its output of the
 * present life is kept for the message of a failure.
 *
 * @example
 * await using server = await StreamServer.start(database, { env: { MUSTER_STREAMS_ANONYMOUS: 'full' } });
 * await server.kill();
 * await server.begin();
 */
export class StreamServer implements AsyncDisposable {
  readonly url: string;
  readonly key: string;
  readonly #driver: 'disk' | 'memory';
  readonly #env: Record<string, string>;
  readonly #dataDir: string;
  #child: ChildProcess | undefined;
  output = '';
  lives = 0;

  private constructor(port: number, dataDir: string, driver: 'disk' | 'memory', env: Record<string, string>) {
    this.url = `http://127.0.0.1:${port}`;
    this.key = randomToken(30);
    this.#driver = driver;
    this.#dataDir = dataDir;
    this.#env = {
      ...env,
      MUSTER_DATA_DIR: dataDir,
      MUSTER_PORT: String(port),
      MUSTER_API_KEY: this.key,
      MUSTER_NODE_NAME: `test-${port}`,
    };
  }

  static async start(
    database: TestDatabase,
    { log = 'disk', env = {} }: { log?: 'disk' | 'memory'; env?: Readonly<Record<string, string>> } = {},
  ): Promise<StreamServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'muster-streams-'));
    const server = new StreamServer(await freePort(), dataDir, log, { ...env, DATABASE_URL: database.url });
    await server.begin();
    return server;
  }

  /** Starts the next life and resolves when it answers. `point`: where it ends itself. */
  async begin(point?: string): Promise<void> {
    this.output = '';
    const child = spawn(process.execPath, [entry, this.#driver, ...(point === undefined ? [] : [point])], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: childEnv(this.#env),
    });
    this.#child = child;
    this.lives += 1;
    const keep = (text: string): void => {
      this.output = (this.output + text).slice(-100_000);
    };
    child.stderr.on('data', (chunk: Buffer) => keep(chunk.toString()));
    const ready = Promise.withResolvers<void>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) ready.resolve();
      else keep(`${line}\n`);
    });
    child.once('exit', (code) => ready.reject(new Error(`the server ended with ${code}:\n${this.output}`)));
    await ready.promise;
  }

  get over(): boolean {
    return this.#child?.exitCode !== null || this.#child.signalCode !== null;
  }

  /** `kill -9`, and resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || this.over) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child && !this.over) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    await rm(this.#dataDir, { recursive: true, force: true });
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
