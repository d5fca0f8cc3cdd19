/**
 * The targets of the gallery with every real part beneath them, on a test's database and behind the real edge. What the loop
 * and the room would do of their own is noted.
 */

import type { Scope } from '@muster/protocol';
import { createSecrets } from '#config';
import { createRaster } from '#gallery/images';
import { TransportError } from '#gallery/model';
import { createTargets, type Targets, type TargetsConfig, type TargetsDeps } from '#gallery/targets';
import { type Auth, createAuth, defaultProjectId, systemPrincipal } from '#kernel/auth';
import { Limits, newId, systemClock, systemRandom } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import { type Db, sql } from '#kernel/db';
import { createHttp } from '#kernel/http';
import { createOutbound } from '#kernel/outbound';
import { createQueue, type Queue } from '#kernel/queue';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { quickTimes } from './queue-harness.ts';

type Ask = { json?: unknown; method?: string; key?: string; headers?: Record<string, string> };

export type TargetsRoom = AsyncDisposable & {
  readonly targets: Targets;
  readonly deps: TargetsDeps;
  readonly auth: Auth;
  readonly queue: Queue;
  readonly told: { botId: string | null; type: string; message: string; reason?: string | undefined }[];
  readonly emitted: { type: string; targetId: string }[];
  readonly changed: string[];
  readonly gates: { targetId: string; state: string; by: string; reason: string | null }[];
  /** A key with these scopes. */
  key(...scopes: Scope[]): Promise<string>;
  ask(path: string, options?: Ask): Promise<{ status: number; text: string; body: Record<string, unknown> }>;
  /** A bot row as the room makes it. */
  bot(
    row?: Partial<{ targetId: string; username: string; desired: string; state: string; provision: string }>,
  ): Promise<string>;
  row(botId: string): Promise<Record<string, unknown> | undefined>;
};

export async function targetsRoom(
  db: Db,
  {
    config,
    outbound,
  }: { config?: Partial<TargetsConfig>; outbound?: { allow?: readonly string[]; loopback?: boolean } } = {},
): Promise<TargetsRoom> {
  await using undo = new AsyncDisposableStack();
  const bus = inProcessBus(() => undefined);
  const logger = silentLogger;
  const metrics = loneMetrics(logger);
  const auth = undo.use(
    createAuth({
      db,
      bus,
      clock: systemClock,
      logger,
      metrics,
      environmentKeys: [],
      failuresPerMinuteMax: 1_000,
      auditKeepDays: 400,
    }),
  );
  await auth.start();
  const queue = createQueue({ db, bus, holder: 'node-a', logger, metrics, times: quickTimes });
  const noted: Pick<TargetsRoom, 'told' | 'emitted' | 'changed' | 'gates'> = {
    told: [],
    emitted: [],
    changed: [],
    gates: [],
  };
  const raster = undo.use(createRaster({ threads: 1, clock: systemClock }));
  const secrets = createSecrets({ master: 'm'.repeat(32), dataDir: '/nowhere' });
  const deps: TargetsDeps = {
    db,
    queue,
    auth,
    clock: systemClock,
    random: systemRandom,
    limits: new Limits(),
    outbound: createOutbound({
      clock: systemClock,
      metrics,
      allow: outbound?.allow ?? [],
      loopback: outbound?.loopback ?? true,
    }),
    telemetry: { logger, metrics },
    secrets: secrets.box('gallery'),
    config: { version: '0.0.0', ...config },
    pngOf: (svg) => raster.png(svg, 1_024),
    sandbox: () => () => Promise.reject(new TransportError('unreachable', false, 'no sandbox in this test')),
    setGate: async (projectId, targetId, state, by, reason) => {
      noted.gates.push({ targetId, state, by, reason });
      await db.transaction((tx) =>
        tx.query(sql`
          update gallery_targets set gate = ${state}, gate_reason = ${reason}
          where project_id = ${projectId} and id = ${targetId}`),
      );
    },
    botsChanged: async (_, ids) => void noted.changed.push(...ids),
    targetChanged: async (_, id) => void noted.changed.push(id),
    tell: (tx, rows) =>
      tx.afterCommit(() => {
        for (const { botId, type, message, data } of rows)
          noted.told.push({ botId, type, message, reason: data?.reason });
      }),
    emit: (tx, events) => tx.afterCommit(() => void noted.emitted.push(...events)),
  };
  const targets = createTargets(deps);
  const http = createHttp({
    auth,
    db,
    clock: systemClock,
    logger,
    metrics,
    answers: secrets.box('http.idempotency'),
    port: 0,
    edge: { host: '127.0.0.1', basePath: '', trustProxy: [], corsOrigins: [] },
    metricsAccess: { mode: 'loopback' },
    version: 'test',
    node: 'n1',
    checkAnswers: true,
  });
  targets.routes(http);
  undo.use(http);
  undo.use(queue);
  await http.start();
  await queue.start();
  const key: TargetsRoom['key'] = async (...scopes) =>
    (
      await db.transaction((tx) =>
        auth.createKey(tx, { projectId: defaultProjectId, name: 'test', scopes }, systemPrincipal()),
      )
    ).secret;
  const admin = await key('gallery:admin');
  const cleanUp = undo.move();
  return {
    targets,
    deps,
    auth,
    queue,
    ...noted,
    key,
    async ask(path, { json, method, key: given = admin, headers = {} } = {}) {
      const answered = await fetch(`${http.url}/v1/gallery/targets${path}`, {
        method: method ?? (json === undefined ? 'GET' : 'POST'),
        headers: {
          authorization: `Bearer ${given}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const text = await answered.text();
      return { status: answered.status, text, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
    },
    async bot({ targetId = 'floimg', username, desired = 'stopped', state = 'idle', provision = 'none' } = {}) {
      const id = newId('galleryBot');
      await db.transaction((tx) =>
        tx.query(sql`
          insert into gallery_bots (id, project_id, shard, name, username, target_id, seed, desired, state, provision, deleted_at)
          values (${id}, ${defaultProjectId}, 1, 'Fog', ${username ?? `bot_${id.slice(-8)}`}, ${targetId}, 1, ${desired}, ${state},
            ${provision}, ${state === 'deleted' ? new Date() : null})`),
      );
      return id;
    },
    async row(botId) {
      const [found] = await db.query<Record<string, unknown>>(sql`
        select state, desired, provision, provision_detail as detail, remote_user_id as "userId", reason, generation,
          last_error as "lastError" from gallery_bots where id = ${botId}`);
      return found;
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}
