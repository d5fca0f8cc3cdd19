import {
  addressRange,
  basePath,
  choice,
  count,
  currency,
  days,
  duration,
  flag,
  type Kind,
  list,
  path,
  port,
  size,
  string,
  url,
} from './kinds.ts';

/* Every setting of the server, once. From here come the typed config, `.env.example`, `docs/operate/config.md` and
 * `config check`. A name carries its unit; a default is the value itself. One file, long as it is: a setting is looked up
 * here by its name, and nothing else has to be read to understand it. */

export const groups = [
  'base',
  'database',
  'log',
  'blobs',
  'edge',
  'limits',
  'retention',
  'usage',
  'builds',
  'streams',
  'gallery',
  'minds',
] as const;
export type Group = (typeof groups)[number];

/** A name of a system Muster replaces. `ours` turns its value into ours. */
type LegacyName = { name: string; of: string; ours?: (value: string) => string };

type Setting<T, D> = {
  name: string;
  group: Group;
  kind: Kind<T>;
  /** `undefined`: off, or decided at start as the sentence says. */
  default: D;
  /** One sentence. */
  says: string;
  example?: string;
  /** Never printed, never part of the config object. */
  secret?: boolean;
  /** Shorter names of the same thing, as hosting platforms set them. */
  aliases?: readonly string[];
  legacy?: readonly LegacyName[];
  since: string;
};

type More = Pick<Setting<unknown, unknown>, 'example' | 'aliases' | 'legacy'>;
const maker =
  (group: Group) =>
  <T, D extends T | undefined>(
    name: string,
    kind: Kind<T>,
    value: D,
    says: string,
    more: More = {},
  ): Setting<T, D> => ({ name, group, kind, default: value, says, since: '0.1.0', ...more });
const secretMaker =
  (group: Group) =>
  (name: string, kind: Kind<string>, says: string, more: More = {}): Setting<string, undefined> & { secret: true } => ({
    name,
    group,
    kind,
    default: undefined,
    says,
    since: '0.1.0',
    secret: true,
    ...more,
  });

const base = maker('base');
const database = maker('database');
const log = maker('log');
const blobs = maker('blobs');
const edge = maker('edge');
const limits = maker('limits');
const retention = maker('retention');
const usage = maker('usage');
const builds = maker('builds');
const streams = maker('streams');
const gallery = maker('gallery');
const minds = maker('minds');

const KiB = 2 ** 10;
const MiB = 2 ** 20;
const GiB = 2 ** 30;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const fleet = 'FloImg Fleet';
const fleetLm = 'FleetLM';
const meeboter = 'Meeboter';
const expo = 'Expo Free Agent';

export const schema = {
  base: {
    env: base(
      'MUSTER_ENV',
      choice(['development', 'production', 'test']),
      'development',
      'Production refuses well-known example secrets.',
    ),
    port: base('MUSTER_PORT', port(), 4000, 'Port of the API, the console and every old path.', { aliases: ['PORT'] }),
    extraPorts: base(
      'MUSTER_EXTRA_PORTS',
      list(port(), { max: 16 }),
      [] as readonly number[],
      'Further ports that answer the same, for old clients with a built-in address.',
      { example: '3000,4444' },
    ),
    host: base(
      'MUSTER_HOST',
      string({ max: 255 }),
      '127.0.0.1',
      'Address to listen on. On loopback only loopback names and the public URL are answered.',
      { aliases: ['HOST'], example: '0.0.0.0' },
    ),
    publicUrl: base(
      'MUSTER_PUBLIC_URL',
      url(['http:', 'https:']),
      undefined,
      'Address people and workers reach this server by; links are made from it.',
      {
        example: 'https://muster.example.com',
        legacy: [
          {
            name: 'PHX_HOST',
            of: `${fleet}, ${expo}`,
            ours: (host) => (host.includes('://') ? host : `https://${host}`),
          },
          { name: 'NEXT_PUBLIC_APP_ORIGIN_URL', of: meeboter },
        ],
      },
    ),
    basePath: base('MUSTER_BASE_PATH', basePath(), '', 'Path below which a proxy publishes Muster.', {
      aliases: ['BASE_PATH'],
      example: '/muster',
    }),
    demo: base('MUSTER_DEMO', flag(), false, 'The data is made up: answers and the console say so.'),
    dataDir: base(
      'MUSTER_DATA_DIR',
      path(),
      './data',
      'Folder of the database, the log, the blobs and the generated secret. One server at a time.',
      { example: '/var/lib/muster' },
    ),
    nodeName: base(
      'MUSTER_NODE_NAME',
      string({ max: 63 }),
      undefined,
      'Name of this process in logs and rows. Made from host name and data folder when absent.',
      { example: 'node-1' },
    ),
    logLevel: base(
      'LOG_LEVEL',
      choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
      'info',
      'Least level of log lines that are written.',
    ),
    logFormat: base(
      'MUSTER_LOG_FORMAT',
      choice(['auto', 'json', 'pretty']),
      'auto',
      'Form of log lines; auto is pretty on a terminal and JSON elsewhere.',
    ),
    setupEmail: base(
      'MUSTER_SETUP_EMAIL',
      string({ min: 3, max: 254 }),
      undefined,
      'Email of the first administrator, made at a start that finds none; for installations nobody watches.',
      { example: 'admin@example.com' },
    ),
    compatOpen: base(
      'MUSTER_COMPAT_OPEN',
      list(choice(['auto', 'builds'])),
      ['auto'] as readonly ('auto' | 'builds')[],
      'Rooms whose old paths also work without a credential where the replaced system had none; auto is none.',
      { example: 'builds' },
    ),
  },
  database: {
    ssl: database(
      'DATABASE_SSL',
      choice(['off', 'require', 'verify']),
      undefined,
      'Encryption towards an external database; without it the URL decides.',
      { example: 'verify' },
    ),
    poolMax: database('MUSTER_DB_POOL_MAX', count({ min: 2, max: 500 }), 10, 'Most connections of this process.', {
      legacy: [{ name: 'POOL_SIZE', of: `${fleet}, ${expo}` }],
    }),
    statementTimeoutMs: database(
      'MUSTER_DB_STATEMENT_TIMEOUT_MS',
      duration({ min: second, max: hour }),
      30 * second,
      'Longest time of one statement.',
      { legacy: [{ name: 'DB_TIMEOUT', of: fleetLm }] },
    ),
    startTimeoutMs: database(
      'MUSTER_DB_START_TIMEOUT_MS',
      duration({ min: second, max: day }),
      2 * minute,
      'How long a start waits for the database, its crash recovery included.',
    ),
    migrateOnStart: database(
      'MUSTER_MIGRATE_ON_START',
      flag(),
      true,
      'Whether a start brings the schema to this version; with false start once with --migrate-only.',
      { legacy: [{ name: 'MIGRATE_ON_BOOT', of: fleetLm }] },
    ),
    postgresUser: database(
      'MUSTER_POSTGRES_USER',
      string({ max: 63 }),
      undefined,
      'Who the embedded Postgres runs as when the server is started as root.',
      { example: 'postgres' },
    ),
  },
  log: {
    dir: log(
      'MUSTER_LOG_DIR',
      path(),
      undefined,
      'Folder of the write-ahead log; <data>/log when absent. Its disk decides how fast appends are acknowledged.',
      { example: '/fast/muster-log', legacy: [{ name: 'SLOT_LOG_DIR', of: fleetLm }] },
    ),
    fsync: log(
      'MUSTER_LOG_FSYNC',
      choice(['commit', 'off']),
      'commit',
      'off acknowledges before the disk has it: for the demo only, and said at /health.',
    ),
    commitBytesMax: log(
      'MUSTER_LOG_COMMIT_MAX_BYTES',
      size({ min: 64 * KiB, max: 4 * MiB }),
      512 * KiB,
      'A group of appends is cut here; one larger append goes alone.',
    ),
    commitWaitMsMax: log(
      'MUSTER_LOG_COMMIT_MAX_MS',
      duration({ max: second }),
      25,
      'Longest time an append is held back by choice, which only a write budget chooses to.',
    ),
    commitsPerSecond: log(
      'MUSTER_LOG_COMMITS_PER_SECOND',
      count({ max: 100_000 }),
      0,
      'Write budget for metered disks; 0 is none.',
    ),
    pendingBytesMax: log(
      'MUSTER_LOG_PENDING_BYTES_MAX',
      size({ min: MiB }),
      64 * MiB,
      'Appends that wait for their sync; more are refused with exhausted log_busy.',
    ),
    keepBytes: log(
      'MUSTER_LOG_KEEP_BYTES',
      size({ min: 0 }),
      GiB,
      'Log files that stay after their content reached Postgres.',
    ),
    backlogBytesMax: log(
      'MUSTER_LOG_BACKLOG_MAX_BYTES',
      size({ min: 64 * MiB }),
      8 * GiB,
      'Log that may wait for Postgres; more appends are refused with exhausted log_backlog.',
    ),
    diskFreeBytesMin: log(
      'MUSTER_DISK_MIN_FREE_BYTES',
      size(),
      2 * GiB,
      'Free disk below which appends and uploads are refused with disk_low.',
    ),
    supersededKeepMs: log(
      'MUSTER_LOG_SUPERSEDED_KEEP_MS',
      duration({ min: minute }),
      day,
      'How long messages can still be read that a later one tells again, such as the tokens of an answer.',
    ),
    supersededRangesMax: log(
      'MUSTER_LOG_SUPERSEDED_RANGES_MAX',
      count({ min: 1, max: 1_000_000 }),
      10_000,
      'Ranges of one stream that later messages tell again.',
    ),
    erasingMax: log(
      'MUSTER_LOG_ERASING_MAX',
      count({ min: 1, max: 1_000_000 }),
      10_000,
      'Erased messages whose old bytes files may still hold; more are refused with exhausted erasing_max.',
    ),
  },
  blobs: {
    dir: blobs('MUSTER_BLOBS_DIR', path(), undefined, 'Folder of stored files; <data>/blobs when absent.', {
      example: '/srv/muster-blobs',
      legacy: [
        { name: 'STORAGE_ROOT', of: expo },
        { name: 'STORAGE_PATH', of: expo },
      ],
    }),
    s3Bucket: blobs(
      'MUSTER_BLOBS_S3_BUCKET',
      string({ min: 3, max: 63 }),
      undefined,
      'Stores files in this bucket in place of the disk. Needs the key pair below.',
      { example: 'muster' },
    ),
    s3Prefix: blobs('MUSTER_BLOBS_S3_PREFIX', string({ min: 0, max: 200 }), '', 'Put before every key in the bucket.', {
      example: 'prod/',
    }),
    s3Endpoint: blobs(
      'MUSTER_BLOBS_S3_ENDPOINT',
      url(['http:', 'https:']),
      undefined,
      'Address of the store when it is not AWS.',
      { example: 'https://minio.example.com' },
    ),
    s3Region: blobs('MUSTER_BLOBS_S3_REGION', string({ max: 64 }), 'us-east-1', 'Region of the bucket.'),
    s3PathStyle: blobs(
      'MUSTER_BLOBS_S3_PATH_STYLE',
      flag(),
      undefined,
      'Whether the bucket stands in the path in place of the host name; by default it does when an endpoint is set.',
    ),
  },
  edge: {
    trustProxy: edge(
      'MUSTER_TRUST_PROXY',
      list(addressRange()),
      ['loopback'] as readonly string[],
      'Proxies whose X-Forwarded-* and Forwarded headers are believed.',
      { example: 'loopback,10.0.0.0/8' },
    ),
    tlsCertFile: edge(
      'MUSTER_TLS_CERT_FILE',
      path(),
      undefined,
      'Certificate chain (PEM); with the key the server speaks HTTPS itself. Read again when it changes.',
      { example: '/etc/muster/tls.crt' },
    ),
    tlsKeyFile: edge('MUSTER_TLS_KEY_FILE', path(), undefined, 'Private key (PEM) of the certificate.', {
      example: '/etc/muster/tls.key',
    }),
    corsOrigins: edge(
      'MUSTER_CORS_ORIGINS',
      list(string({ max: 255 })),
      ['*'] as readonly string[],
      'Origins whose pages may call the areas that take bearer credentials only. Never with cookies.',
      { example: 'https://app.example.com' },
    ),
    outboundAllow: edge(
      'MUSTER_OUTBOUND_ALLOW',
      list(addressRange()),
      [] as readonly string[],
      'Private ranges this server may call: webhooks, subscriptions, agents, targets. Loopback is allowed by itself while the server listens on loopback only; metadata addresses of clouds only when named one by one.',
      { example: '10.0.0.0/8' },
    ),
    metrics: edge(
      'MUSTER_METRICS',
      choice(['loopback', 'token', 'open', 'off']),
      'loopback',
      'Who reads /metrics: this machine, only the token, anybody, nobody. The token always works unless off.',
    ),
    metricsPort: edge(
      'MUSTER_METRICS_PORT',
      port(),
      undefined,
      'A further port for /metrics, /health and /ready alone.',
      { example: '9464' },
    ),
  },
  limits: {
    bodyBytesMax: limits(
      'MUSTER_HTTP_BODY_BYTES_MAX',
      size({ min: 16 * KiB, max: 64 * MiB }),
      MiB,
      'Largest JSON body.',
    ),
    inFlightMax: limits(
      'MUSTER_HTTP_REQUESTS_IN_FLIGHT_MAX',
      count({ min: 10 }),
      2000,
      'Requests worked on at once in this process; parked calls are not among them.',
    ),
    parkedMax: limits(
      'MUSTER_HTTP_PARKED_CALLS_MAX',
      count({ min: 10 }),
      10_000,
      'Calls that may wait at once in this process.',
    ),
    socketsMax: limits('MUSTER_HTTP_SOCKETS_MAX', count({ min: 10 }), 20_000, 'Open WebSockets of this process.'),
    socketFrameBytesMax: limits(
      'MUSTER_SOCKET_FRAME_BYTES_MAX',
      size({ min: 16 * KiB, max: 32 * MiB }),
      MiB,
      'Largest frame a client may send on /v1/socket.',
    ),
    socketSubscriptionsMax: limits(
      'MUSTER_SOCKET_SUBSCRIPTIONS_MAX',
      count({ min: 1, max: 10_000 }),
      200,
      'Subscriptions of one socket.',
    ),
    socketSendsPerSecond: limits(
      'MUSTER_SOCKET_SENDS_PER_SECOND',
      count({ min: 1 }),
      2000,
      'Frames a client may send on one socket per second, on average.',
    ),
    socketSendsBurst: limits(
      'MUSTER_SOCKET_SENDS_BURST',
      count({ min: 1 }),
      4000,
      'Frames a client may send on one socket at once after a pause.',
    ),
    socketFramesOpenMax: limits(
      'MUSTER_SOCKET_FRAMES_OPEN_MAX',
      count({ min: 1, max: 100_000 }),
      1024,
      'Frames of one socket that may wait for their answers.',
    ),
    requestsPerWindow: limits(
      'MUSTER_HTTP_REQUESTS_PER_KEY_MAX',
      count({ min: 10 }),
      20_000,
      'Requests of one credential in ten seconds.',
    ),
    failuresPerMinuteMax: limits(
      'MUSTER_AUTH_FAILURES_PER_MINUTE_MAX',
      count({ min: 1 }),
      30,
      'Wrong credentials of one address (IPv6: /64) in a minute before they are answered 429. Good ones are never held back.',
    ),
  },
  retention: {
    auditDays: retention(
      'MUSTER_RETENTION_AUDIT_DAYS',
      days(),
      400,
      'How long audit rows stay; whole months go at once.',
    ),
    jobsDays: retention('MUSTER_RETENTION_JOBS_DAYS', days(), 7, 'How long finished jobs stay.'),
  },
  usage: {
    currency: usage(
      'MUSTER_CURRENCY',
      currency(),
      'USD',
      'Currency that prices and budgets are said in; nothing is converted.',
    ),
    pricesFile: usage(
      'MUSTER_PRICES_FILE',
      path(),
      undefined,
      'JSON file with the price list as PUT /v1/prices takes it; then the API only shows it.',
      { example: '/etc/muster/prices.json' },
    ),
  },
  streams: {
    longPollMs: streams(
      'MUSTER_STREAMS_LONG_POLL_MS',
      duration({ min: 100, max: minute }),
      30 * second,
      'How long a long-poll waits that does not say.',
    ),
    anonymous: streams(
      'MUSTER_STREAMS_ANONYMOUS',
      choice(['off', 'full']),
      'off',
      'full: whoever calls without a credential may do everything with streams. For trying out, on loopback only.',
    ),
    appendBytesMax: streams(
      'MUSTER_STREAMS_APPEND_BYTES_MAX',
      size({ min: KiB, max: 32 * MiB }),
      8 * MiB,
      'Largest body of one append.',
    ),
    appendMessagesMax: streams(
      'MUSTER_STREAMS_APPEND_MESSAGES_MAX',
      count({ min: 1, max: 100_000 }),
      10_000,
      'Most messages of one append (elements of a JSON array).',
    ),
    pageBytesMax: streams(
      'MUSTER_STREAMS_PAGE_BYTES_MAX',
      size({ min: KiB, max: 16 * MiB }),
      MiB,
      'A read ends its page there, but never before one message.',
    ),
    pageMessagesMax: streams(
      'MUSTER_STREAMS_PAGE_MESSAGES_MAX',
      count({ min: 1, max: 10_000 }),
      1000,
      'Most messages of one page.',
    ),
    appendsPerSecondMax: streams(
      'MUSTER_STREAMS_APPENDS_PER_SECOND_MAX',
      count({ min: 1 }),
      100_000,
      'Appends of one project per second on this node.',
    ),
    bytesPerSecondMax: streams(
      'MUSTER_STREAMS_BYTES_PER_SECOND_MAX',
      size({ min: KiB }),
      256 * MiB,
      'Bytes one project may append per second on this node.',
    ),
    liveReadsPerCredentialMax: streams(
      'MUSTER_STREAMS_LIVE_READS_PER_CREDENTIAL_MAX',
      count({ min: 1 }),
      1000,
      'Long-polls, event streams and subscriptions one credential may have open on this node.',
    ),
    streamsMax: streams(
      'MUSTER_STREAMS_MAX',
      count({ min: 1 }),
      1_000_000,
      'Streams of one project. Those of builds and bots count; only new ones of callers are refused.',
    ),
    subscriptionsMax: streams(
      'MUSTER_STREAMS_SUBSCRIPTIONS_MAX',
      count({ min: 1, max: 100_000 }),
      1000,
      'Subscriptions (webhook and pull-wake) of one project.',
    ),
    subscriptionLinksMax: streams(
      'MUSTER_STREAMS_SUBSCRIPTION_LINKS_MAX',
      count({ min: 1, max: 100_000 }),
      10_000,
      'Streams one subscription links.',
    ),
  },
  builds: {
    sourceBytesMax: builds('MUSTER_BUILDS_SOURCE_BYTES_MAX', size({ min: KiB }), 500 * MiB, 'Largest source archive.'),
    certsBytesMax: builds(
      'MUSTER_BUILDS_CERTS_BYTES_MAX',
      size({ min: KiB, max: 50 * MiB }),
      10 * MiB,
      'Largest bundle of signing material.',
    ),
    artifactBytesMax: builds('MUSTER_BUILDS_ARTIFACT_BYTES_MAX', size({ min: KiB }), GiB, 'Largest single artifact.'),
    artifactsBytesMax: builds(
      'MUSTER_BUILDS_ARTIFACTS_BYTES_MAX',
      size({ min: KiB }),
      4 * GiB,
      'All artifacts of one build together.',
    ),
    chunkBytesMax: builds(
      'MUSTER_BUILDS_CHUNK_BYTES_MAX',
      size({ min: 64 * KiB, max: GiB }),
      64 * MiB,
      'Largest piece of a resumable upload.',
    ),
    uploadTtlMs: builds(
      'MUSTER_BUILDS_UPLOAD_TTL_MS',
      duration({ min: minute }),
      day,
      'How long an upload waits for its next byte.',
    ),
    uploadsOpenMax: builds('MUSTER_BUILDS_UPLOADS_OPEN_MAX', count({ min: 1 }), 64, 'Open uploads of one project.'),
    queuedMax: builds('MUSTER_BUILDS_QUEUED_MAX', count({ min: 1 }), 10_000, 'Queued builds of one project.'),
    storedBytesMax: builds(
      'MUSTER_BUILDS_STORED_BYTES_MAX',
      size({ min: MiB }),
      100 * GiB,
      'Files of one project together.',
    ),
    submitsPerSecond: builds(
      'MUSTER_BUILDS_SUBMITS_PER_SECOND',
      count({ min: 1 }),
      500,
      'Submits of one key per second, in the long run.',
    ),
    submitsBurst: builds('MUSTER_BUILDS_SUBMITS_BURST', count({ min: 1 }), 2000, 'Submits of one key at once.'),
    freeBytesMin: builds('MUSTER_BUILDS_FREE_BYTES_MIN', size(), 2 * GiB, 'Free disk below which nothing is taken in.'),
    logBytesMax: builds('MUSTER_BUILDS_LOG_BYTES_MAX', size({ min: MiB }), 256 * MiB, 'Log of one build.'),
    leaseTtlMs: builds(
      'MUSTER_BUILDS_LEASE_TTL_MS',
      duration({ min: 5 * second, max: hour }),
      30 * second,
      'How long a worker holds a build without a sign.',
    ),
    heartbeatEveryMs: builds(
      'MUSTER_BUILDS_HEARTBEAT_EVERY_MS',
      duration({ min: second, max: 10 * minute }),
      10 * second,
      'How often workers are told to send a heartbeat.',
    ),
    offlineAfterMs: builds(
      'MUSTER_BUILDS_OFFLINE_AFTER_MS',
      duration({ min: 10 * second }),
      minute,
      'A worker silent for that long is offline.',
    ),
    legacyOfflineAfterMs: builds(
      'MUSTER_BUILDS_LEGACY_OFFLINE_AFTER_MS',
      duration({ min: 10 * second }),
      5 * minute,
      'The same for workers of the old protocol.',
    ),
    parkedMax: builds(
      'MUSTER_BUILDS_PARKED_MAX',
      count({ min: 10 }),
      10_000,
      'Workers that may wait for a build at once in this process.',
    ),
    rescueEveryMs: builds(
      'MUSTER_BUILDS_RESCUE_EVERY_MS',
      duration({ min: 100, max: minute }),
      5 * second,
      'How often ended leases are looked for.',
    ),
    sweepEveryMs: builds(
      'MUSTER_BUILDS_SWEEP_EVERY_MS',
      duration({ min: 100, max: minute }),
      5 * second,
      'How often eligible builds are looked for when no hint came.',
    ),
    cancelGraceMs: builds(
      'MUSTER_BUILDS_CANCEL_GRACE_MS',
      duration({ max: hour }),
      30 * second,
      'Time a worker has to stop a build after it knows of the cancel.',
    ),
    cancelGraceMaxMs: builds(
      'MUSTER_BUILDS_CANCEL_GRACE_MAX_MS',
      duration({ max: hour }),
      minute,
      'Time after which a cancelled build is ended whether its worker answered or not.',
    ),
    retentionSourceDays: builds(
      'MUSTER_BUILDS_RETENTION_SOURCE_DAYS',
      days(),
      7,
      'How long source and signing material stay after the end of a build.',
    ),
    retentionArtifactsDays: builds(
      'MUSTER_BUILDS_RETENTION_ARTIFACTS_DAYS',
      days(),
      30,
      'How long artifacts and logs stay.',
    ),
    retentionTelemetryDays: builds(
      'MUSTER_BUILDS_RETENTION_TELEMETRY_DAYS',
      days(),
      14,
      'How long measurements of builds stay.',
    ),
    retentionDiagnosticsDays: builds(
      'MUSTER_BUILDS_RETENTION_DIAGNOSTICS_DAYS',
      days(),
      90,
      'How long diagnostics of workers stay.',
    ),
    retentionRowsDays: builds(
      'MUSTER_BUILDS_RETENTION_ROWS_DAYS',
      days(),
      180,
      'How long finished builds stay listed.',
    ),
    baseImage: builds(
      'MUSTER_BUILDS_BASE_IMAGE',
      string({ max: 500 }),
      undefined,
      'VM image old workers are told to use; their own default when absent.',
      { example: 'ghcr.io/example/macos:latest', legacy: [{ name: 'BASE_IMAGE_ID', of: expo }] },
    ),
    legacyPollHoldMs: builds(
      'MUSTER_BUILDS_LEGACY_POLL_HOLD_MS',
      duration({ max: 25 * second }),
      0,
      'How long a poll of an old worker may be held when there is nothing to do.',
      { example: '20s' },
    ),
    legacyLeaseFirstMs: builds(
      'MUSTER_BUILDS_LEGACY_LEASE_FIRST_MS',
      duration({ min: minute }),
      30 * minute,
      'Lease of an old worker that has not called since it took the build.',
    ),
    legacyLeaseHeartbeatMs: builds(
      'MUSTER_BUILDS_LEGACY_LEASE_HEARTBEAT_MS',
      duration({ min: minute }),
      5 * minute,
      'Lease after a heartbeat of an old worker.',
    ),
    legacyLeaseTelemetryMs: builds(
      'MUSTER_BUILDS_LEGACY_LEASE_TELEMETRY_MS',
      duration({ min: minute }),
      15 * minute,
      'Lease after telemetry of an old worker.',
    ),
    legacyLeaseSilentMs: builds(
      'MUSTER_BUILDS_LEGACY_LEASE_SILENT_MS',
      duration({ min: minute }),
      130 * minute,
      'Lease after an old worker took source or certs and says nothing more.',
    ),
    legacyMaxRunMs: builds(
      'MUSTER_BUILDS_LEGACY_MAX_RUN_MS',
      duration({ min: minute, max: day }),
      130 * minute,
      'Longest run of a build submitted by an old client.',
    ),
  },
  gallery: {
    botsMax: gallery('MUSTER_GALLERY_BOTS_MAX', count({ min: 1 }), 100_000, 'Bots of one project.'),
    personasMax: gallery('MUSTER_GALLERY_PERSONAS_MAX', count({ min: 12 }), 500, 'Personas of one project.'),
    seedCountMax: gallery('MUSTER_GALLERY_SEED_COUNT_MAX', count({ min: 1 }), 100_000, 'Bots of one seeding.'),
    thinksInFlightMax: gallery(
      'MUSTER_GALLERY_THINKS_IN_FLIGHT_MAX',
      count({ min: 1, max: 10_000 }),
      256,
      'Thinks at once on one node.',
    ),
    dueQueueMax: gallery(
      'MUSTER_GALLERY_DUE_QUEUE_MAX',
      count({ min: 1 }),
      2000,
      'Due bots in line on one node; further ones come again in seconds.',
    ),
    memoryPerBotMax: gallery(
      'MUSTER_GALLERY_MEMORY_PER_BOT_MAX',
      count({ min: 1, max: 10_000 }),
      200,
      'What one bot remembers; the least worth leaves first.',
    ),
    relationsPerBotMax: gallery(
      'MUSTER_GALLERY_RELATIONS_PER_BOT_MAX',
      count({ min: 1, max: 10_000 }),
      100,
      'Whom one bot knows.',
    ),
    feedFreshMs: gallery(
      'MUSTER_GALLERY_FEED_FRESH_MS',
      duration({ min: second }),
      15 * second,
      'How long a feed that was read serves all bots of its target.',
    ),
    feedStaleMs: gallery(
      'MUSTER_GALLERY_FEED_STALE_MS',
      duration({ min: second }),
      minute,
      'Older than that and nothing is decided on it.',
    ),
    wakeMinMs: gallery(
      'MUSTER_GALLERY_WAKE_MIN_MS',
      duration({ min: 100 }),
      second,
      'A target that says when to come again is heard from here …',
    ),
    wakeMaxMs: gallery('MUSTER_GALLERY_WAKE_MAX_MS', duration({ min: minute }), day, '… to here.'),
    wakeDefaultMs: gallery(
      'MUSTER_GALLERY_WAKE_DEFAULT_MS',
      duration({ min: second }),
      hour,
      'When it does not say, or cannot be understood.',
    ),
    targetBodyBytesMax: gallery(
      'MUSTER_GALLERY_TARGET_BODY_BYTES_MAX',
      size({ min: 64 * KiB, max: 64 * MiB }),
      2 * MiB,
      'Largest answer read from a target.',
    ),
    importBytesMax: gallery(
      'MUSTER_GALLERY_IMPORT_BYTES_MAX',
      size({ min: 64 * KiB, max: 64 * MiB }),
      5 * MiB,
      'Largest document of personas.',
    ),
    retentionActivityDays: gallery(
      'MUSTER_GALLERY_RETENTION_ACTIVITY_DAYS',
      days(),
      30,
      'What bots did, as the feed has it.',
    ),
    retentionActionsDays: gallery('MUSTER_GALLERY_RETENTION_ACTIONS_DAYS', days(), 400, 'The ledger of side effects.'),
    retentionDecisionsDays: gallery(
      'MUSTER_GALLERY_RETENTION_DECISIONS_DAYS',
      days(),
      7,
      'Why bots did what they did.',
    ),
    floimgUrl: gallery(
      'MUSTER_GALLERY_FLOIMG_URL',
      url(['http:', 'https:']),
      undefined,
      'Address of a FloImg gallery: makes the target floimg, which somebody must acknowledge before bots act there.',
      { example: 'https://studio.example.com', legacy: [{ name: 'FLOIMG_API_URL', of: fleet }] },
    ),
    ackHost: gallery(
      'MUSTER_GALLERY_ACK_HOST',
      string({ max: 300 }),
      undefined,
      'Host of that gallery, typed by whoever answers for it: I operate it or have the consent of who does, its users see which accounts are automated, its numbers keep bots apart.',
      { example: 'studio.example.com' },
    ),
  },
  minds: {
    mind: minds(
      'MUSTER_MIND',
      string({ max: 200 }),
      undefined,
      'Who thinks for bots: improv (no model, no cost; used when there is no key), provider:model (openai, anthropic, google, compatible), or a name of MUSTER_MINDS.',
      { example: 'compatible:my-model' },
    ),
    fallback: minds(
      'MUSTER_MIND_FALLBACK',
      string({ max: 200 }),
      'improv',
      'Who thinks when that one cannot; none: such a think is put off.',
    ),
    baseUrl: minds(
      'MUSTER_MIND_BASE_URL',
      url(['http:', 'https:']),
      undefined,
      'Address of a server that speaks the OpenAI protocol, such as Ollama, vLLM or LM Studio.',
      { example: 'http://localhost:11434/v1' },
    ),
    imageModel: minds(
      'MUSTER_MIND_IMAGE_MODEL',
      string({ max: 200 }),
      undefined,
      'provider:model that paints for bots whose pictures come from a model.',
    ),
    prices: minds(
      'MUSTER_MIND_PRICES',
      string({ max: 65_536 }),
      undefined,
      'JSON: prices per model over the shipped table, in micros per million tokens.',
    ),
    llmProvider: minds(
      'LLM_PROVIDER',
      choice(['ollama', 'openai']),
      undefined,
      `Which of the next ones counts, as ${fleet} had it.`,
    ),
    ollamaUrl: minds('OLLAMA_URL', url(['http:', 'https:']), undefined, 'Address of an Ollama server.', {
      example: 'http://localhost:11434',
    }),
    ollamaModel: minds('OLLAMA_MODEL', string({ max: 150 }), undefined, 'Its model.'),
    openaiModel: minds(
      'OPENAI_MODEL',
      string({ max: 150 }),
      undefined,
      'Model at OpenAI, where LLM_PROVIDER says openai.',
    ),
  },
} as const;

const baseSecret = secretMaker('base');
const databaseSecret = secretMaker('database');
const blobsSecret = secretMaker('blobs');
const edgeSecret = secretMaker('edge');
const buildsSecret = secretMaker('builds');
const gallerySecret = secretMaker('gallery');
const mindsSecret = secretMaker('minds');

const secretSchema = {
  master: baseSecret(
    'MUSTER_SECRET',
    string({ min: 32, max: 1024 }),
    'Everything that is signed or encrypted is so by keys derived from it. Made in the data folder when absent; equal on all nodes.',
    {
      legacy: [
        { name: 'SECRET_KEY_BASE', of: `${fleet}, ${expo}` },
        { name: 'AUTH_SECRET', of: meeboter },
      ],
    },
  ),
  previous: baseSecret(
    'MUSTER_SECRET_PREVIOUS',
    string({ min: 32, max: 1024 }),
    'The secret before a change: what it encrypted can still be read.',
  ),
  setupPassword: baseSecret(
    'MUSTER_SETUP_PASSWORD',
    string({ min: 12, max: 256 }),
    'Password of that first administrator; it is not looked at any more once there is one.',
  ),
  apiKey: baseSecret(
    'MUSTER_API_KEY',
    string({ min: 16, max: 512 }),
    'A key with every scope, given from outside. With it no first key is made.',
  ),
  databaseUrl: databaseSecret(
    'DATABASE_URL',
    url(['postgres:', 'postgresql:', 'ecto:']),
    'An external Postgres, version 15 or later; the embedded one when absent.',
    { example: 'postgresql://muster:…@db.example.com/muster' },
  ),
  s3AccessKeyId: blobsSecret('MUSTER_BLOBS_S3_ACCESS_KEY_ID', string(), 'Key id for the bucket.'),
  s3SecretAccessKey: blobsSecret('MUSTER_BLOBS_S3_SECRET_ACCESS_KEY', string(), 'Secret key for the bucket.'),
  metricsToken: edgeSecret(
    'MUSTER_METRICS_TOKEN',
    string({ min: 16, max: 512 }),
    'Bearer token that reads /metrics from anywhere.',
  ),
  buildsLegacyApiKey: buildsSecret(
    'MUSTER_BUILDS_LEGACY_API_KEY',
    string({ min: 16, max: 512 }),
    'The API key the old build clients already have; scope builds:operate.',
    { legacy: [{ name: 'CONTROLLER_API_KEY', of: expo }] },
  ),
  galleryFloimgToken: gallerySecret(
    'MUSTER_GALLERY_FLOIMG_TOKEN',
    string({ max: 1000 }),
    'Service token of the target floimg.',
    { legacy: [{ name: 'FLOIMG_SERVICE_TOKEN', of: fleet }] },
  ),
  galleryFloimgBotSecret: gallerySecret(
    'MUSTER_GALLERY_FLOIMG_BOT_SECRET',
    string({ max: 1000 }),
    'The older secret of its bots, where there is no service token.',
    { legacy: [{ name: 'FLOIMG_BOT_SECRET', of: fleet }] },
  ),
  gallerySandboxToken: gallerySecret(
    'MUSTER_GALLERY_SANDBOX_TOKEN',
    string({ min: 16, max: 512 }),
    'A service token of the sandbox gallery, for clients that insist on a form of their own.',
  ),
  minds: mindsSecret(
    'MUSTER_MINDS',
    string({ max: 65_536 }),
    'JSON: minds by names of their own, {"quick": {"use": "openai:…", "rpm": 60}}; may hold keys.',
  ),
  mindApiKey: mindsSecret(
    'MUSTER_MIND_API_KEY',
    string({ max: 1000 }),
    'Key of the server at MUSTER_MIND_BASE_URL, when it wants one.',
  ),
  openaiApiKey: mindsSecret('OPENAI_API_KEY', string({ max: 1000 }), 'Key for minds at OpenAI.'),
  anthropicApiKey: mindsSecret('ANTHROPIC_API_KEY', string({ max: 1000 }), 'Key for minds at Anthropic.'),
  googleApiKey: mindsSecret('GOOGLE_GENERATIVE_AI_API_KEY', string({ max: 1000 }), 'Key for minds at Google.', {
    aliases: ['GEMINI_API_KEY'],
  }),
} as const;

type Schema = typeof schema;
/** What a setting is after reading: without a default it may be absent. */
type ValueOf<S> = S extends Setting<infer T, infer D> ? (undefined extends D ? T | undefined : T) : never;
export type Config = { readonly [G in keyof Schema]: { readonly [K in keyof Schema[G]]: ValueOf<Schema[G][K]> } };
export type GivenSecrets = { readonly [K in keyof typeof secretSchema]: string | undefined };

export type AnySetting = Setting<unknown, unknown>;
type Placed = { group: string; key: string; setting: AnySetting };

/** Every setting with its place in the config; `secrets` is the place of those that are kept apart. */
export const allSettings: readonly Placed[] = [
  ...Object.entries<Readonly<Record<string, unknown>>>(schema).flatMap(([group, settings]) => placed(group, settings)),
  ...placed('secrets', secretSchema),
];

function placed(group: string, settings: Readonly<Record<string, unknown>>): Placed[] {
  // Each value was made by `maker`, whose type parameters only matter to `Config`.
  return Object.entries(settings).map(([key, setting]) => ({ group, key, setting: setting as AnySetting })); // oxlint-disable-line typescript/no-unsafe-type-assertion
}
