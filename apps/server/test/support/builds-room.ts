import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuth, defaultProjectId, type Principal } from '#kernel/auth';
import { type Clock, Limits, type Random, systemClock, systemRandom } from '#kernel/base';
import { openDiskBlobs } from '#kernel/blobs';
import { type Bus, DatabaseBus, inProcessBus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import { createLog } from '#kernel/log';
import { createMeter } from '#kernel/meter';
import { createQueue } from '#kernel/queue';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { type Assembled, assembleRoom } from '../../src/builds/assemble.ts';
import type { BuildsDeps } from '../../src/builds/deps.ts';
import { type BuildsConfig, buildsDefaults } from '../../src/builds/limits.ts';

export type BuildsRoom = AsyncDisposable & Assembled & { deps: BuildsDeps; folder: string };
export type BuildsRoomOptions = {
  config?: Partial<BuildsConfig>;
  clock?: Clock;
  random?: Random;
  nodeId?: string;
  /** Hints between several rooms on one database. */
  bus?: 'alone' | 'database';
  start?: boolean;
  watch?: boolean;
};

/** Who acts in tests that are not about credentials. */
export const operator: Principal = {
  kind: 'key',
  keyId: 'key_00000000000000000000000000',
  name: 'test',
  projectId: defaultProjectId,
  scopes: ['builds:admin'],
  fromEnvironment: false,
};

/** The builds room with every real part beneath it, on a test's database. Loops stand still unless `watch` says so. */
export async function buildsRoom(db: Db, options: BuildsRoomOptions = {}): Promise<BuildsRoom> {
  const { clock = systemClock, random = systemRandom, nodeId = `node-${randomBytes(4).toString('hex')}` } = options;
  const folder = await mkdtemp(join(tmpdir(), 'muster-builds-'));
  const logger = silentLogger;
  const metrics = loneMetrics(logger);
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const bus = stack.use(await busOf(db, options.bus ?? 'alone')).bus;
  const blobs = stack.use(await openDiskBlobs({ folder: join(folder, 'blobs') }));
  const log = stack.use(createLog({ driver: 'memory', clock }));
  await log.start();
  const auth = createAuth({
    db,
    bus,
    clock,
    logger,
    metrics,
    environmentKeys: [],
    failuresPerMinuteMax: 10_000,
    auditKeepDays: 30,
  });
  const deps: BuildsDeps = {
    db,
    log,
    blobs,
    queue: createQueue({ db, bus, holder: nodeId, logger, metrics }),
    bus,
    auth,
    meter: createMeter({ db, clock, logger }),
    clock,
    random,
    limits: new Limits(),
    telemetry: { logger, metrics, [Symbol.asyncDispose]: async () => undefined },
    config: { ...buildsDefaults, ...options.config },
    secrets: boxOf(randomBytes(32)),
    nodeId,
    fatal: (error) => {
      throw error;
    },
  };
  const assembled = stack.use(assembleRoom(deps));
  if (options.start) await assembled.start({ watch: options.watch ?? false });
  return { ...assembled, deps, folder, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function busOf(db: Db, kind: 'alone' | 'database'): Promise<AsyncDisposable & { bus: Bus }> {
  const onError = (): void => undefined;
  if (kind === 'alone') return { bus: inProcessBus(onError), [Symbol.asyncDispose]: async () => undefined };
  const bus = new DatabaseBus({ db, onError });
  await bus.start();
  return { bus, [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose]() };
}

function boxOf(key: Buffer): BuildsDeps['secrets'] {
  return {
    seal(plain) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed) {
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    },
  };
}
