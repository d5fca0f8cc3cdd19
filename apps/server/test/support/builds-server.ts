import { join } from 'node:path';
import type { Scope, Submitted } from '@muster/protocol';
import type { Builds, BuildsConfig } from '#builds';
import { defaultProjectId, systemPrincipal } from '#kernel/auth';
import { newId } from '#kernel/base';
import type { BlobStore } from '#kernel/blobs';
import { type Db, sql } from '#kernel/db';
import type { TestDatabase } from './database.ts';
import { type FormPart, formBody, formType } from './raw-http.ts';
import { startServer } from './server.ts';
import { tinyZip } from './tiny-zip.ts';

export type Answered = { status: number; headers: Headers; body: Record<string, any>; text: string }; // oxlint-disable-line typescript/no-explicit-any -- tests look into JSON of many shapes
type Ask = { body?: unknown; headers?: Record<string, string>; token?: string | null };

export type BuildsServer = AsyncDisposable & {
  readonly url: string;
  readonly room: Builds['room'];
  readonly db: Db;
  readonly blobs: BlobStore;
  /** Where the blobs lie, for tests that damage them. */
  readonly blobsFolder: string;
  /** A key that may do everything with builds. */
  readonly key: string;
  readonly projectId: string;
  /** What was logged at `warn` and above, as text. */
  complaints(): string[];
  keyWith(scopes: readonly Scope[], projectId?: string): Promise<string>;
  project(): Promise<string>;
  call(method: string, path: string, ask?: Ask): Promise<Answered>;
  submit(options?: {
    build?: object;
    source?: Uint8Array;
    certs?: Uint8Array;
    headers?: Record<string, string>;
    token?: string;
  }): Promise<Answered>;
  /** Submits and fails the test unless it was taken. */
  submitted(options?: Parameters<BuildsServer['submit']>[0]): Promise<Submitted>;
  worker(options?: object, token?: string): Promise<TestWorker>;
  metric(name: string): Promise<number>;
};

export type Attempt = { buildId: string; term: number; token: string; job: Record<string, any> }; // oxlint-disable-line typescript/no-explicit-any -- see above
export type TestWorker = {
  id: string;
  token: string;
  claim(): Promise<Attempt>;
  finish(attempt: Attempt, artifacts?: string[]): Promise<Answered>;
};

/** A small source archive; the same text gives the same bytes. */
export const sourceZip = (text = 'hello'): Buffer => tinyZip([{ name: 'package.json', data: Buffer.from(text) }]);

/**
 * The real server with what tests of builds ask for. Settings go in as an operator would set them, except those that an
 * operator may not set as tests do (retention of no days, a quota of a few bytes).
 */
export async function buildsServer(database: TestDatabase, config: Partial<BuildsConfig> = {}): Promise<BuildsServer> {
  const entries = Object.entries(config);
  const tooSmall = (name: string): boolean =>
    name.startsWith('retention') || name === 'storedBytesMax' || name === 'freeBytesMin';
  const settings = entries.filter(([name]) => !tooSmall(name));
  const server = await startServer({
    database,
    env: {
      MUSTER_BUILDS_FREE_BYTES_MIN: '0',
      ...Object.fromEntries(settings.map(([name, value]) => [settingOf(name), String(value)])),
    },
    options: {
      httpLimits: { uploadStallMs: 1_200, jsonStallMs: 1_200, refusalDrainMs: 500 },
      queueTimes: { pollMs: 100 },
    },
  });
  const { room } = server.app.builds;
  Object.assign(room.config, Object.fromEntries(entries.filter(([name]) => tooSmall(name))));
  const { db, auth, blobs } = room;
  const { key } = server;

  const keyWith: BuildsServer['keyWith'] = async (scopes, projectId = defaultProjectId) =>
    (
      await db.transaction((tx) =>
        auth.createKey(tx, { projectId, name: 'test', scopes: [...scopes] }, systemPrincipal(projectId)),
      )
    ).secret;

  const call: BuildsServer['call'] = async (method, path, { body, headers = {}, token = key } = {}) => {
    const bytes = body instanceof Uint8Array || typeof body === 'string';
    const answered = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || bytes ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: bytes ? (body as Uint8Array<ArrayBuffer> | string) : JSON.stringify(body) }),
    });
    const text = await answered.text();
    const json = /^application\/(problem\+)?json/.test(answered.headers.get('content-type') ?? '') && text !== '';
    return { status: answered.status, headers: answered.headers, body: json ? JSON.parse(text) : {}, text };
  };

  const builds: BuildsServer = {
    url: server.url,
    room,
    db,
    blobs,
    blobsFolder: join(server.dataDir, 'blobs'),
    key,
    projectId: defaultProjectId,
    complaints: () => server.logs.filter((line) => line['level'] !== 'info').map((line) => JSON.stringify(line)),
    keyWith,
    call,
    project: async () => {
      const id = newId('project');
      await db.query(sql`insert into projects (id, name) values (${id}, ${id})`);
      return id;
    },
    submit: ({ build = {}, source = sourceZip(), certs, headers = {}, token } = {}) => {
      const parts: FormPart[] = [
        { name: 'build', value: JSON.stringify(build) },
        { name: 'source', fileName: 'source.zip', value: source },
        ...(certs ? [{ name: 'certs', fileName: 'certs.zip', value: certs }] : []),
      ];
      return call('POST', '/v1/builds', {
        body: formBody(parts),
        headers: { 'content-type': formType, ...headers },
        ...(token ? { token } : {}),
      });
    },
    submitted: async (options) => {
      const { status, body, text } = await builds.submit(options);
      if (status !== 201) throw new Error(`submit answered ${status}: ${text}`);
      return body as Submitted;
    },
    worker: async (options = {}, operator = key) => {
      const body = { name: 'mac', platforms: ['linux', 'ios'], ...options };
      const registered = await call('POST', '/v1/workers', { body, token: operator });
      if (registered.status !== 201) throw new Error(`register answered ${registered.status}: ${registered.text}`);
      const { token, worker } = registered.body as { token: string; worker: { id: string } };
      // What it does not list, the server takes for a lost answer and hands out again; what it lists and has lost, it is told.
      let held: { buildId: string; term: number }[] = [];
      return {
        id: worker.id,
        token,
        claim: async () => {
          for (let asks = 0; asks < 3; asks++) {
            const { body } = await call('POST', '/v1/workers/me/claim?wait=10s', { body: { held, free: 1 }, token });
            const told = (body['instructions'] ?? []) as { buildId?: string }[];
            held = held.filter(({ buildId }) => told.every((instruction) => instruction.buildId !== buildId));
            const job = body['job'] as Attempt['job'] | null;
            if (!job) continue;
            const attempt: Attempt = { buildId: job['build'].id, term: job['build'].term, token: job['token'], job };
            held.push({ buildId: attempt.buildId, term: attempt.term });
            return attempt;
          }
          throw new Error('there was no job to claim');
        },
        finish: ({ buildId, term }, artifacts = []) =>
          call('POST', `/v1/workers/me/builds/${buildId}/result`, { body: { term, artifacts, exitCode: 0 }, token }),
      };
    },
    metric: async (name) => {
      const lines = (await call('GET', '/metrics')).text.split('\n').filter((line) => line.startsWith(name));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return builds;
}

const settingOf = (name: string): string =>
  `MUSTER_BUILDS_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
