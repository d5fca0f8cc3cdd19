import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Scope, scopes } from '@muster/protocol';
import { checkSecret, createAccounts } from '#accounts';
import { type Builds, createBuilds } from '#builds';
import { compatRoutes } from '#builds/compat';
import { type Config, createSecrets, type Read, showConfig } from '#config';
import { createConsole } from '#console';
import { createGallery } from '#gallery';
import { mindsFrom } from '#gallery/minds';
import { createAuth, type EnvironmentKey } from '#kernel/auth';
import { type Clock, type FatalHandler, isLoopback, Limits, systemClock, systemRandom } from '#kernel/base';
import { type BlobStore, openDiskBlobs, openS3Blobs } from '#kernel/blobs';
import { DatabaseBus, inProcessBus } from '#kernel/bus';
import { type Connection, createDb, type PoolDb } from '#kernel/db';
import { createHttp, type Http, type HttpOptions } from '#kernel/http';
import { createLog, type LogEvents, type LogLimits, type LogOptions } from '#kernel/log';
import { createBudgets, createMeter } from '#kernel/meter';
import { createOutbound } from '#kernel/outbound';
import { createQueue, type QueueTimes } from '#kernel/queue';
import type { Telemetry } from '#kernel/telemetry';
import { createRunning, Pulse } from '#running';
import { createStreams, streamsDefaults } from '#streams';
import { streamFrames } from '#streams/socket';
import { createUsage, parsePrices } from '#usage';
import { measureDisk, measurePool, measureQueries, partsOf, reportHealth } from './observe.ts';
import { declareLogBounds, measureLog, observeLog } from './observe-log.ts';
import { nodeName, openDatabase } from './open-database.ts';
import { Phases } from './phases.ts';
import { noStartLines, type StartLines } from './start-lines.ts';
import { version } from './version.ts';

export type ComposeOptions = {
  lines?: StartLines;
  /** How the process ends when it cannot go on truthfully. Without it the error is thrown where it happened. */
  fatal?: FatalHandler;
  clock?: Clock;
  /** A database that runs already: none is started, and the data folder does not record one. */
  database?: Connection;
  /** `memory`: nothing on disk, and no right to the log of the database, so several nodes may share one. For tests. */
  log?: 'disk' | 'memory';
  httpLimits?: HttpOptions['limits'];
  /** Where the built console is. */
  consoleFolder?: string;
  queueTimes?: Partial<QueueTimes>;
  checkAnswers?: boolean;
};

export type App = AsyncDisposable & {
  readonly http: Http;
  readonly db: PoolDb;
  readonly builds: Builds;
  /** What a person wants to know at the end of a start. */
  readonly facts: readonly (readonly [name: string, value: string])[];
};

/**
 * The only place that knows every room. Brings the server up in phases, each said with its time, and resolves when it is
 * ready; disposal stops in reverse (operate §11). A phase that fails stops the earlier ones and throws.
 */
export async function compose(read: Read, telemetry: Telemetry, options: ComposeOptions = {}): Promise<App> {
  const up = new Phases(telemetry, options.lines ?? noStartLines, options.clock ?? systemClock);
  if (options.fatal) up.lifecycle.onFatal(options.fatal);
  return up.orUndo(() => bringUp(up, read, telemetry, options));
}

/** Starts the database, brings the schema to this version (or, with `plan`, says what that would do), stops again. */
export async function migrateOnly(
  read: Read,
  telemetry: Telemetry,
  { lines = noStartLines, plan }: { lines?: StartLines; plan?: ((text: string) => void) | undefined } = {},
): Promise<void> {
  const up = new Phases(telemetry, lines, systemClock);
  const schema = plan ? { plan } : 'migrate';
  await up.orUndo(() => openDatabase(up, read, telemetry, { clock: systemClock, given: undefined, schema }));
  await up.lifecycle[Symbol.asyncDispose]();
}

async function bringUp(up: Phases, read: Read, telemetry: Telemetry, options: ComposeOptions): Promise<App> {
  const { config, secrets: given } = read;
  const { logger } = telemetry;
  const { dataDir } = config.base;
  const { clock = systemClock } = options;
  const pulse = new Pulse(clock);
  const metrics = pulse.hears(telemetry.metrics);
  const { fatal } = up.lifecycle;
  const limits = new Limits();
  const node = nodeName(config);
  const room = (name: string): Telemetry['logger'] => logger.child({ room: name });
  for (const warning of read.warnings) logger.warn({}, warning);

  const { lock, server, connection, shared } = await openDatabase(up, read, telemetry, {
    clock,
    given: options.database,
    schema: 'by-setting',
  });
  const secrets = createSecrets({ ...given, dataDir });
  const { poolMax, statementTimeoutMs, startTimeoutMs } = config.database;
  const onQuery = measureQueries(metrics);
  const applicationName = `muster ${node}`;
  const db = createDb({
    ...connection,
    poolMax,
    statementTimeoutMs,
    startTimeoutMs,
    applicationName,
    clock,
    logger: room('db'),
    onQuery,
  });
  await up.start('connections', db);
  measurePool(metrics, db);
  measureDisk(metrics, dataDir);
  const secret = await checkSecret(db, secrets.box('installation.check'));
  if (secret === 'other')
    logger.error(
      {},
      'MUSTER_SECRET is not the one this database was used with; what it encrypted cannot be read. Set the former one, also as MUSTER_SECRET_PREVIOUS.',
    );

  const onBusError = (topic: string, error: unknown): void =>
    logger.warn({ topic, error }, 'a hint could not be handled');
  const bus = shared
    ? await up.start('bus', new DatabaseBus({ db, onError: onBusError, clock }))
    : inProcessBus(onBusError);
  const log = await up.start(
    'log',
    createLog(
      logOptions(config, options.log ?? 'disk', { clock, db, node, fatal, events: observeLog(metrics, room('log')) }),
    ),
  );
  declareLogBounds(limits, config.log, log);
  measureLog(metrics, log);
  const blobs = await up.open('stored files', () => openBlobs(config, given, clock));

  let firstKey: string | undefined;
  const auth = createAuth({
    db,
    bus,
    clock,
    logger: room('auth'),
    metrics,
    environmentKeys: environmentKeys(given),
    browserTokenSeeds: secrets.deriveAll('auth.browser-tokens'),
    firstKey: { dataDir, made: (_, path) => void (firstKey = path) },
    failuresPerMinuteMax: config.limits.failuresPerMinuteMax,
    auditKeepDays: config.retention.auditDays,
    bounds: limits,
  });
  const meter = createMeter({ db, logger: room('meter'), clock, limits });
  const keepFinishedMs = config.retention.jobsDays * 86_400_000;
  const queue = createQueue({
    db,
    bus,
    holder: node,
    logger: room('queue'),
    metrics,
    clock,
    times: { keepFinishedMs, ...options.queueTimes },
    limits,
  });
  const folder = options.consoleFolder ?? join(import.meta.dirname, '../../dashboard/dist');
  const pages = createConsole({ folder, basePath: config.base.basePath, logger: room('console') });
  const http = createHttp({
    build: () => pages.build(),
    ...edgeOf(config, given.metricsToken),
    auth,
    db,
    clock,
    logger: room('http'),
    metrics,
    bounds: limits,
    limits: { ...config.limits, ...options.httpLimits },
    answers: secrets.box('http.idempotency'),
    version,
    node,
    checkAnswers: options.checkAnswers ?? false,
  });
  const builds = createBuilds({
    db,
    log,
    blobs,
    queue,
    bus,
    auth,
    meter,
    clock,
    limits,
    fatal,
    random: systemRandom,
    telemetry: { ...telemetry, logger: room('builds') },
    secrets: secrets.box('builds'),
    nodeId: node,
    config: {
      ...config.builds,
      baseImage: config.builds.baseImage ?? null,
      legacyOpenRegistration: config.base.compatOpen.includes('builds'),
    },
  });
  const loopback = config.base.host === 'localhost' || isLoopback(config.base.host);
  const outbound = createOutbound({ clock, metrics, limits, allow: config.edge.outboundAllow, loopback });
  const publicBase =
    config.base.publicUrl === undefined ? undefined : new URL(config.base.publicUrl).origin + config.base.basePath;
  const budgets = createBudgets({ db, clock, logger: room('budgets'), limits });
  const accounts = createAccounts({
    db,
    auth,
    clock,
    limits,
    logger: room('accounts'),
    dataDir,
    nodeId: node,
    basePath: config.base.basePath,
    publicOrigin: config.base.publicUrl === undefined ? undefined : new URL(config.base.publicUrl).origin,
    publicBase: () => publicBase ?? http.url,
    cookieKeys: secrets.deriveAll('accounts.sign-in-cookies'),
    engineSecret: secrets.derive('accounts.sign-in-engine'),
    box: secrets.box('accounts.second-factor'),
    headless: firstPerson(config, given),
  });
  const gallery = createGallery({
    db,
    log,
    blobs,
    queue,
    bus,
    auth,
    budgets,
    meter,
    outbound,
    clock,
    random: systemRandom,
    limits,
    fatal,
    telemetry: { ...telemetry, logger: room('gallery') },
    secrets: secrets.box('gallery'),
    nodeId: node,
    config: config.gallery,
    minds: mindsFrom(mindSettings(config, given)),
    targets: {
      version,
      floimgUrl: config.gallery.floimgUrl,
      floimgToken: given.galleryFloimgToken,
      floimgBotSecret: given.galleryFloimgBotSecret,
      ackHost: config.gallery.ackHost,
    },
    sandbox: {
      currentPerson: (head) => accounts.currentPerson(head),
      signInPath: `${config.base.basePath}/sign-in?next=${encodeURIComponent(`${config.base.basePath}/sandbox`)}`,
      serviceToken: given.gallerySandboxToken,
      csrfKey: secrets.derive('gallery.forms'),
      publicBase,
    },
    basePath: config.base.basePath,
    publicBase: () => publicBase ?? http.url,
  });
  const usage = createUsage({
    db,
    auth,
    clock,
    limits,
    currency: config.usage.currency,
    pricesOfFile: await pricesOf(config),
    heldTimes: (projectId) => builds.glance.heldTimes(projectId),
  });
  const running = createRunning({
    db,
    log,
    auth,
    queue,
    clock,
    limits,
    pulse,
    telemetry: { ...telemetry, logger: room('running') },
    node: { name: node, version, dataDir, url: () => publicBase ?? http.url },
    database: {
      kind: server.kind,
      described: options.database ? 'given' : server.describe(),
      healthy: () => db.healthy(),
      pool: () => db.pool(),
      poolMax,
    },
    builds: builds.glance,
    gallery: gallery.glance,
    costToday: (projectId, tz) => usage.costToday(projectId, tz),
    parts: () => partsOf({ db, log, builds, gallery, secret }),
    edge: () => ({
      sockets: limits.present('http.sockets') ?? 0,
      inFlight: limits.present('http.requestsInFlight') ?? 0,
    }),
    config: () => ({ items: showConfig(read), warnings: [...read.warnings] }),
    demo: config.base.demo,
  });
  const streams = createStreams({
    db,
    log,
    queue,
    bus,
    auth,
    outbound,
    clock,
    random: systemRandom,
    limits,
    telemetry: { ...telemetry, logger: room('streams') },
    secrets: { box: secrets.box('streams.signing-keys'), wakeTokenKeys: secrets.deriveAll('streams.wake-tokens') },
    publicBase,
    loopback,
    rooms: [builds.streams, gallery.streams, ...running.streams],
    config: { ...streamsDefaults, ...config.streams, corsOrigins: config.edge.corsOrigins },
  });
  accounts.plugin(http);
  builds.routes(http);
  streams.routes(http);
  gallery.routes(http);
  usage.routes(http);
  running.routes(http);
  streamFrames(streams.room)(http);
  compatRoutes(builds.room)(http);
  pages.routes(http);

  await up.start('keys', auth);
  await up.start('people', accounts);
  await up.start('usage', meter);
  await up.start('builds', builds);
  await up.start('streams', streams);
  await up.start('budgets', budgets);
  await up.start('gallery', gallery);
  await up.start('running', running);
  await up.start('console', pages);
  http.health(() => gallery.health());
  await up.open('health', async () => reportHealth(http, { server, db, log, clock, blobs, secret }));
  // Runners come after listening. At the end both let go at the same time, each within its own grace.
  await up.start('listening', {
    start: async () => {
      await http.start();
      await queue.start();
    },
    [Symbol.asyncDispose]: async () => {
      http.drain();
      builds.drain();
      gallery.drain();
      await Promise.all([queue[Symbol.asyncDispose](), http[Symbol.asyncDispose]()]);
    },
  });
  lock.announce(http.url);
  const setup = await accounts.offerSetup(publicBase ?? http.url);

  const database = options.database ? 'given' : server.describe();
  const facts = [
    ['address', config.base.publicUrl ?? http.url],
    ...(setup === undefined ? [] : [['set up at', setup.link] as const]),
    ...(firstKey === undefined ? [] : [['admin key', `in ${firstKey}`] as const]),
    ['data', dataDir],
    ['database', database],
    ['log', `${log.promises().driver}, an acknowledgement means ${log.promises().ackMeans}`],
    ['reference', `${http.url}/docs`],
  ] as const;
  options.lines?.ready(facts);
  logger.info(
    {
      url: http.url,
      node,
      version,
      database,
      ...(firstKey === undefined ? {} : { firstKeyFile: firstKey }),
      ...(setup === undefined ? {} : { setupFile: setup.file }),
    },
    'ready',
  );
  return { http, db, builds, facts, [Symbol.asyncDispose]: () => up.lifecycle[Symbol.asyncDispose]() };
}

/** Where the log is, and its bounds as the settings say. */
export function logPlace(config: Config): { dir: string; limits: Partial<LogLimits> } {
  const { dir, fsync: _, ...given } = config.log;
  const { appendBytesMax, appendMessagesMax, pageBytesMax, pageMessagesMax } = config.streams;
  const limits = { ...given, appendBytesMax, appendMessagesMax, pageBytesMax, pageMessagesMax };
  return { dir: dir ?? join(config.base.dataDir, 'log'), limits };
}

function logOptions(
  config: Config,
  driver: 'disk' | 'memory',
  parts: { clock: Clock; db: PoolDb; node: string; fatal: FatalHandler; events: LogEvents },
): LogOptions {
  const { dir, limits } = logPlace(config);
  const { clock, db, node, fatal, events } = parts;
  // All streams of one build live together.
  const shared = { clock, limits, events, homes: { builds: 2 }, fatal };
  if (driver === 'memory') return { ...shared, driver };
  const url = config.base.publicUrl ?? `http://${config.base.host}:${config.base.port}`;
  return {
    ...shared,
    driver,
    dir,
    db,
    fsync: config.log.fsync === 'commit',
    node: { id: node, url },
  };
}

const pricesOf = async ({ usage: { pricesFile } }: Config): Promise<ReturnType<typeof parsePrices> | undefined> =>
  pricesFile === undefined ? undefined : parsePrices(await readFile(pricesFile, 'utf8'), 'MUSTER_PRICES_FILE');

function openBlobs({ base, blobs }: Config, given: Read['secrets'], clock: Clock): Promise<BlobStore> {
  const { s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = given;
  if (blobs.s3Bucket === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    return openDiskBlobs({ folder: blobs.dir ?? join(base.dataDir, 'blobs'), clock });
  }
  return openS3Blobs({
    bucket: blobs.s3Bucket,
    region: blobs.s3Region,
    prefix: blobs.s3Prefix,
    ...(blobs.s3Endpoint === undefined ? {} : { endpoint: blobs.s3Endpoint }),
    ...(blobs.s3PathStyle === undefined ? {} : { pathStyle: blobs.s3PathStyle }),
    credentials: { accessKeyId, secretAccessKey },
    clock,
  });
}

function mindSettings({ minds }: Config, given: Read['secrets']): Parameters<typeof mindsFrom>[0] {
  const { minds: named, mindApiKey: apiKey, openaiApiKey, anthropicApiKey, googleApiKey } = given;
  return { ...minds, minds: named, apiKey, openaiApiKey, anthropicApiKey, googleApiKey };
}

function firstPerson(
  { base }: Config,
  { setupPassword }: Read['secrets'],
): { email: string; password: string } | undefined {
  return base.setupEmail === undefined || setupPassword === undefined
    ? undefined
    : { email: base.setupEmail, password: setupPassword };
}

function environmentKeys(given: Read['secrets']): EnvironmentKey[] {
  const legacy: Scope[] = ['builds:operate'];
  return [
    ...(given.apiKey === undefined ? [] : [{ name: 'MUSTER_API_KEY', secret: given.apiKey, scopes }]),
    ...(given.buildsLegacyApiKey === undefined
      ? []
      : [{ name: 'MUSTER_BUILDS_LEGACY_API_KEY', secret: given.buildsLegacyApiKey, scopes: legacy }]),
  ];
}

function edgeOf(
  { base, edge }: Config,
  metricsToken: string | undefined,
): Pick<HttpOptions, 'port' | 'extraPorts' | 'metricsPort' | 'tls' | 'edge' | 'metricsAccess'> {
  const { tlsCertFile: certFile, tlsKeyFile: keyFile, trustProxy, corsOrigins } = edge;
  const publicUrl = base.publicUrl === undefined ? undefined : new URL(base.publicUrl);
  return {
    port: base.port,
    extraPorts: base.extraPorts,
    metricsPort: edge.metricsPort,
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined,
    edge: { host: base.host, publicUrl, basePath: base.basePath, trustProxy, corsOrigins },
    metricsAccess: { mode: edge.metrics, token: metricsToken },
  };
}
