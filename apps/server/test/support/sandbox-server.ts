/**
 * The gallery of our own behind the real edge, on a database and a folder of its own: contract, pages, forms. Somebody is
 * signed in who sends the cookie `test_person=<username>`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from '@muster/protocol';
import { createSecrets } from '#config';
import { createRaster } from '#gallery/images';
import { createSandbox, type Sandbox } from '#gallery/sandbox';
import { type Auth, createAuth, defaultProjectId, systemPrincipal } from '#kernel/auth';
import { type Clock, Limits, systemClock } from '#kernel/base';
import { type BlobStore, openDiskBlobs } from '#kernel/blobs';
import { type Bus, inProcessBus } from '#kernel/bus';
import { type Db, sql } from '#kernel/db';
import { createHttp } from '#kernel/http';
import { createTelemetry, loneMetrics, silentLogger } from '#kernel/telemetry';
import { type TestDatabase, testDatabase } from './database.ts';

export const literalToken = 'fst_a-token-in-a-form-of-its-own';

export type SandboxAnswered = { status: number; headers: Headers; text: string; body: Record<string, any> }; // oxlint-disable-line typescript/no-explicit-any -- tests look into JSON of many shapes
type Ask = {
  body?: unknown;
  headers?: Record<string, string>;
  /** Username of the bot that acts. */
  as?: string;
  /** `null`: none. Default: the literal service token. */
  token?: string | null;
  key?: string;
};

export type SandboxServer = AsyncDisposable & {
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly db: Db;
  readonly auth: Auth;
  readonly blobs: BlobStore;
  readonly database: TestDatabase;
  readonly projectId: string;
  readonly keyWith: (...scopes: Scope[]) => Promise<string>;
  readonly call: (method: string, path: string, ask?: Ask) => Promise<SandboxAnswered>;
  /** An account of a bot; answers its username. */
  readonly bot: (username: string) => Promise<string>;
  /** A drawing that counts as ours; answers its address. */
  readonly scene: (colour?: string) => Promise<string>;
  /** An item of that bot; answers its id. */
  readonly post: (username: string, more?: object) => Promise<string>;
  /** A form as a browser of this person sends it. */
  readonly form: (
    person: string,
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  /** The page as this person, or anybody, sees it. */
  readonly page: (path: string, person?: string) => Promise<{ status: number; headers: Headers; text: string }>;
  /** The token in the forms of this person. */
  readonly tokenOf: (person: string) => Promise<string>;
  readonly empty: () => Promise<void>;
};

export const svgOf = (colour: string, width = 1000, height = 1000): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"><rect width="${width}" height="${height}" fill="${colour}"/></svg>`;

export async function sandboxServer(
  options: {
    clock?: Clock;
    basePath?: string;
    publicBase?: string;
    signInPath?: string;
    port?: number;
    database?: TestDatabase;
    /** Shared by servers that are nodes of one installation. */
    bus?: Bus;
    /** How long a PNG may take. */
    rasterLimitMs?: number;
  } = {},
): Promise<SandboxServer> {
  await using undo = new AsyncDisposableStack();
  const { clock = systemClock, basePath = '', publicBase } = options;
  const database = options.database ?? undo.use(await testDatabase());
  const { db } = database;
  const folder = await mkdtemp(join(tmpdir(), 'muster-sandbox-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const blobs = undo.use(await openDiskBlobs({ folder, clock: systemClock }));
  const bus =
    options.bus ??
    inProcessBus((_, error) => {
      throw error;
    });
  const auth = undo.use(
    createAuth({
      db,
      bus,
      clock: systemClock,
      logger: silentLogger,
      metrics: loneMetrics(silentLogger),
      environmentKeys: [],
      failuresPerMinuteMax: 1_000,
      auditKeepDays: 400,
    }),
  );
  await auth.start();
  const telemetry = undo.use(
    await createTelemetry({ level: 'warn', form: 'json', write: (line) => void process.stderr.write(line) }),
  );
  const raster = undo.use(
    createRaster({
      clock: systemClock,
      ...(options.rasterLimitMs === undefined ? {} : { limitMs: options.rasterLimitMs }),
    }),
  );
  await raster.start();
  const sandbox = createSandbox({
    db,
    blobs,
    bus,
    auth,
    clock,
    limits: new Limits(),
    telemetry,
    raster,
    basePath,
    publicBase,
    ...(options.signInPath === undefined ? {} : { signInPath: options.signInPath }),
    serviceToken: literalToken,
    csrfKey: Buffer.alloc(32, 7),
    currentPerson: ({ headers }) => {
      const username = /(?:^|; )test_person=([a-z_]+)/.exec(headers.cookie ?? '')?.[1];
      const name = username?.replace(/^./, (first) => first.toUpperCase());
      return Promise.resolve(
        username && name ? { id: `usr_${username}`, name, username, projectId: defaultProjectId } : undefined,
      );
    },
  });
  const http = createHttp({
    auth,
    db,
    clock: systemClock,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
    answers: createSecrets({ master: 'm'.repeat(32), dataDir: folder }).box('test'),
    port: options.port ?? 0,
    edge: {
      host: '127.0.0.1',
      basePath,
      publicUrl: publicBase === undefined ? undefined : new URL(publicBase),
      trustProxy: [],
      corsOrigins: [],
    },
    metricsAccess: { mode: 'loopback' },
    version: 'test',
    node: 'n1',
    checkAnswers: true,
  });
  sandbox.routes(http);
  undo.use(sandbox);
  await sandbox.start();
  undo.use(http);
  await http.start();
  const { url } = http;
  const cleanUp = undo.move();

  const call: SandboxServer['call'] = async (
    method,
    path,
    { body, headers = {}, as, token = literalToken, key } = {},
  ) => {
    const bytes = body instanceof Uint8Array || typeof body === 'string';
    const answered = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(as === undefined ? {} : { 'x-agent-id': as }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined || bytes ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: bytes ? (body as Uint8Array<ArrayBuffer> | string) : JSON.stringify(body) }),
    });
    const text = await answered.text();
    const json = (answered.headers.get('content-type') ?? '').includes('json') && text !== '';
    return { status: answered.status, headers: answered.headers, text, body: json ? parsed(text) : {} };
  };
  const server: SandboxServer = {
    url,
    sandbox,
    db,
    auth,
    blobs,
    database,
    projectId: defaultProjectId,
    call,
    keyWith: async (...scopes) =>
      (
        await db.transaction((tx) =>
          auth.createKey(tx, { projectId: defaultProjectId, name: 'test', scopes }, systemPrincipal()),
        )
      ).secret,
    bot: async (username) => {
      const body = { agentId: `uuid-${username}`, name: `Bot ${username}`, username, isAgent: true };
      const { status, text } = await call('POST', '/api/admin/users/invite', { body });
      if (status !== 201 && status !== 200) throw new Error(`invite answered ${status}: ${text}`);
      return username;
    },
    scene: async (colour = 'teal') => (await sandbox.storeScene(svgOf(colour))).path,
    post: async (username, more = {}) => {
      const body = { imageUrl: await server.scene(), title: `By ${username}`, ...more };
      const { status, body: made, text } = await call('POST', '/api/showcase', { body, as: username });
      if (status !== 201) throw new Error(`post answered ${status}: ${text}`);
      return made['showcaseItem'].id as string;
    },
    form: async (person, path, fields, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          cookie: `test_person=${person}`,
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
          ...headers,
        },
        body: new URLSearchParams({ token: await server.tokenOf(person), ...fields }).toString(),
      }),
    page: async (path, person) => {
      const answered = await fetch(`${url}${path}`, {
        headers: person === undefined ? {} : { cookie: `test_person=${person}` },
        redirect: 'manual',
      });
      return { status: answered.status, headers: answered.headers, text: await answered.text() };
    },
    tokenOf: async (person) => {
      const { text } = await server.page('/sandbox/new', person);
      return /name="token" value="([^"]+)"/.exec(text)?.[1] ?? '';
    },
    empty: async () => {
      await sandbox.resetSandbox(defaultProjectId);
      await db.query(sql`delete from sandbox_accounts`);
      await db.query(sql`delete from sandbox_settings`);
      await sandbox.setFaults(defaultProjectId, []);
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
  return server;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
