/**
 * The real server for a test: `compose()` over real sockets on a free port, with a database of its own (or a shared one,
 * for several nodes), a data folder that goes away, and a key with every scope. What routes answer is checked against
 * what they declare.
 *
 * @example
 * await using server = await startServer();
 * expect((await server.call('/v1/keys')).status).toBe(200);
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, type ComposeOptions, compose } from '#compose';
import { readConfig } from '#config';
import { randomToken } from '#kernel/base';
import { createTelemetry } from '#kernel/telemetry';
import { type TestDatabase, testDatabase } from './database.ts';

export type ServerOptions = {
  /** Settings, as in the environment. */
  env?: Readonly<Record<string, string>>;
  options?: ComposeOptions;
  /** Another node on the same database. The caller disposes of it. */
  database?: TestDatabase;
  /** No key from the environment: the server makes its first one. */
  firstKey?: boolean;
};

type Init = Pick<RequestInit, 'method' | 'signal' | 'redirect'> & {
  /** `null`: none. Default: the admin key. */
  key?: string | null;
  headers?: Readonly<Record<string, string>>;
  body?: NonNullable<RequestInit['body']>;
  /** Sent as JSON. */
  json?: unknown;
};

export type TestServer = AsyncDisposable & {
  readonly app: App;
  readonly url: string;
  readonly key: string;
  readonly dataDir: string;
  readonly database: TestDatabase;
  /** Log lines so far, parsed. */
  readonly logs: readonly Record<string, unknown>[];
  call(path: string, init?: Init): Promise<Response>;
  /** The answer's JSON and status. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects to read
  ask<T = Record<string, unknown>>(path: string, init?: Init): Promise<{ status: number; body: T }>;
  /** Makes a key with these scopes. */
  makeKey(...scopes: string[]): Promise<{ id: string; secret: string }>;
};

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  await using undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-server-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const database = options.database ?? undo.use(await testDatabase());
  const own = options.firstKey ? {} : { MUSTER_API_KEY: randomToken(30) };
  const env = {
    MUSTER_DATA_DIR: dataDir,
    MUSTER_PORT: '0',
    MUSTER_NODE_NAME: `test-${randomToken(4)}`,
    ...own,
    ...options.env,
  };
  const logs: Record<string, unknown>[] = [];
  const telemetry = undo.use(
    await createTelemetry({
      level: 'info',
      form: 'json',
      write: (line) => void logs.push(JSON.parse(line) as Record<string, unknown>),
    }),
  );
  const app = undo.use(
    await compose(readConfig(env, new Map(), dataDir), telemetry, {
      database: database.options,
      checkAnswers: true,
      // The log of a database has one writer; further nodes of a test keep theirs in memory.
      log: options.database ? 'memory' : 'disk',
      ...options.options,
    }),
  );
  const key = env.MUSTER_API_KEY ?? (await readFile(join(dataDir, 'first-key'), 'utf8')).trim();
  const cleanUp = undo.move();

  const call = (path: string, { key: given = key, json, headers, ...init }: Init = {}): Promise<Response> =>
    fetch(`${app.http.url}${path}`, {
      ...init,
      ...(json === undefined ? {} : { body: JSON.stringify(json), method: init.method ?? 'POST' }),
      headers: {
        ...(given === null ? {} : { authorization: `Bearer ${given}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
  const ask: TestServer['ask'] = async <T>(path: string, init?: Init) => {
    const response = await call(path, init);
    return { status: response.status, body: (await response.json()) as T };
  };

  return {
    app,
    url: app.http.url,
    key,
    dataDir,
    database,
    logs,
    call,
    ask,
    async makeKey(...scopes) {
      const { body } = await ask<{ id: string; secret: string }>('/v1/keys', {
        json: { name: scopes.join(' '), scopes },
      });
      return body;
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}
