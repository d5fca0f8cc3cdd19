/**
 * The real server with what tests of the gallery ask for: bots in its sandbox, calls that fail loudly, tasks waited for. Pass
 * a database of the test file; `keyWith` makes keys of other scopes and projects.
 */
import type { GalleryBot, GalleryTask, Scope } from '@muster/protocol';
import { createAuth, defaultProjectId, systemPrincipal } from '#kernel/auth';
import { newId, systemClock } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import { type Db, sql } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import type { TestDatabase } from './database.ts';
import { type ServerOptions, startServer, type TestServer } from './server.ts';
import { until } from './until.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into JSON of many shapes
type Json = Record<string, any>;
export type Answered = { status: number; body: Json; headers: Headers; text: string };
type Ask = { body?: unknown; token?: string | null; headers?: Readonly<Record<string, string>> };

export type GalleryServer = AsyncDisposable & {
  readonly url: string;
  readonly key: string;
  readonly db: Db;
  readonly server: TestServer;
  readonly projectId: string;
  call: (method: string, path: string, ask?: Ask) => Promise<Answered>;
  /** As `call`; a status of 400 and above fails the test with what was said. */
  must: (method: string, path: string, ask?: Ask) => Promise<Json>;
  bot: (body?: object) => Promise<GalleryBot>;
  read: (id: string) => Promise<GalleryBot>;
  /** Waits for the end of a task of the gallery. */
  finished: (task: Json, withinMs?: number) => Promise<GalleryTask>;
  keyWith: (scopes: readonly Scope[], projectId?: string) => Promise<string>;
  project: () => Promise<string>;
  /** Everything this test file made, gone; projects, personas and targets stay. */
  empty: () => Promise<void>;
};

let names = 0;

export async function galleryServer(
  database: TestDatabase,
  options: Partial<ServerOptions> = {},
): Promise<GalleryServer> {
  const { db } = database;
  const server = await startServer({
    database,
    ...options,
    options: { queueTimes: { pollMs: 100 }, ...options.options },
  });
  const auth = createAuth({
    db,
    bus: inProcessBus(() => undefined),
    clock: systemClock,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
    environmentKeys: [],
    failuresPerMinuteMax: 10_000,
    auditKeepDays: 30,
  });

  const call: GalleryServer['call'] = async (method, path, { body, token = server.key, headers = {} } = {}) => {
    const raw = typeof body === 'string';
    const answered = await fetch(`${server.url}${path.startsWith('/') ? path : `/v1/gallery/${path}`}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    });
    const text = await answered.text();
    const json = /json/.test(answered.headers.get('content-type') ?? '') && text !== '';
    return { status: answered.status, headers: answered.headers, text, body: json ? (JSON.parse(text) as Json) : {} };
  };
  const must: GalleryServer['must'] = async (method, path, ask) => {
    const { status, body, text } = await call(method, path, ask);
    if (status >= 400) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return body;
  };
  return {
    url: server.url,
    key: server.key,
    db,
    server,
    projectId: defaultProjectId,
    call,
    must,
    bot: async (body = {}) => {
      const n = ++names;
      return (await must('POST', 'bots', { body: { name: `Bot ${n}`, username: `bot_${n}`, ...body } })) as GalleryBot;
    },
    read: async (id) => (await must('GET', `bots/${id}`)) as GalleryBot,
    finished: async (task, withinMs = 30_000) => {
      let now = task;
      await until(
        async () => {
          now = await must('GET', `tasks/${task['id']}`);
          return now['state'] !== 'running';
        },
        { withinMs },
      );
      return now as GalleryTask;
    },
    keyWith: async (scopes, projectId = defaultProjectId) =>
      (
        await db.transaction((tx) =>
          auth.createKey(tx, { projectId, name: 'test', scopes: [...scopes] }, systemPrincipal(projectId)),
        )
      ).secret,
    project: async () => {
      const id = newId('project');
      await db.query(sql`insert into projects (id, name) values (${id}, ${id})`);
      return id;
    },
    empty: async () => {
      await db.query(sql`delete from gallery_activity`);
      await db.query(sql`delete from gallery_actions`);
      await db.query(sql`delete from gallery_decisions`);
      await db.query(sql`delete from gallery_bots`);
      await db.query(sql`delete from gallery_tasks`);
      await must('POST', 'sandbox/reset', { body: { confirm: 'reset the sandbox' } });
      await db.query(sql`delete from sandbox_accounts`);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
