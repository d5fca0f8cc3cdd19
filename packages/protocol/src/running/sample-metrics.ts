/* What is measured of a node once a second: units, where it becomes worth a look, and what to do then. */

export type SampleUnit = 'ms' | 'bytes' | 'count' | 'perSecond' | 'ratio';
export type SampleMetric = {
  unit: SampleUnit;
  /** Which way is worse; the thresholds are crossed in that direction. */
  worse: 'above' | 'below';
  warnAt: number | null;
  badAt: number | null;
  what: string;
  whatToDo: string;
};

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const metric = (
  unit: SampleUnit,
  [worse, warnAt, badAt]: readonly [SampleMetric['worse'], number | null, number | null],
  what: string,
  whatToDo: string,
): SampleMetric => ({ unit, worse, warnAt, badAt, what, whatToDo });

export const sampleMetrics = {
  requests: metric('perSecond', ['above', null, null], 'Requests answered.', 'Nothing: it is the load.'),
  requestMsP50: metric(
    'ms',
    ['above', 50, 500],
    'Half of the requests of the last ten seconds took at most this.',
    'Compare it with the loop lag and the database; the slower one is the cause.',
  ),
  requestMsP99: metric(
    'ms',
    ['above', 500, 5_000],
    'All but one in a hundred requests of the last ten seconds took at most this.',
    'Look for one slow route in the request log, then at the database and the loop lag.',
  ),
  serverErrors: metric(
    'perSecond',
    ['above', 0.1, 1],
    'Requests that ended with 5xx.',
    'Search the log of the server for level error; each line has the request id that callers were given.',
  ),
  loopLagMs: metric(
    'ms',
    ['above', 50, 200],
    'The latest that a timer of the server ran in the last second.',
    'The process computes too much at once: give it a faster core, or take load from it.',
  ),
  cpu: metric(
    'ratio',
    ['above', 0.8, 0.95],
    'Share of one core that the server process used; 1 is a whole core.',
    'Above one core for long: fewer bots, fewer followers, or a faster machine.',
  ),
  rssBytes: metric(
    'bytes',
    ['above', GiB, 2 * GiB],
    'Memory of the server process.',
    'If it only grows, keep the metrics of an hour and restart; a full restart loses nothing acknowledged.',
  ),
  heapBytes: metric('bytes', ['above', 768 * MiB, 1.5 * GiB], 'JavaScript heap in use.', 'See memory.'),
  externalBytes: metric(
    'bytes',
    ['above', 512 * MiB, GiB],
    'Memory of buffers outside the heap.',
    'Slow readers hold what waits for them; see the sockets.',
  ),
  diskFreeBytes: metric(
    'bytes',
    ['below', 5 * GiB, GiB],
    'Free bytes of the disk with the data folder.',
    'Free some, or shorten retention; below MUSTER_DISK_MIN_FREE_BYTES appends are refused.',
  ),
  dbMsP50: metric(
    'ms',
    ['above', 10, 100],
    'Half of the database statements of the last ten seconds took at most this.',
    'Look at the load of the database and at muster_db_query_seconds by query.',
  ),
  dbMsP99: metric(
    'ms',
    ['above', 100, 1_000],
    'All but one in a hundred database statements of the last ten seconds took at most this.',
    'Look at the load of the database and at muster_db_query_seconds by query.',
  ),
  dbBusy: metric('count', ['above', null, null], 'Database connections in use.', 'Nothing by itself.'),
  dbWaiting: metric(
    'count',
    ['above', 5, 50],
    'Callers that wait for a database connection.',
    'Raise MUSTER_DB_POOL_MAX if the database has room, or find the slow statement.',
  ),
  logAppends: metric('perSecond', ['above', null, null], 'Appends to the log.', 'Nothing: it is the load.'),
  logAckMsP99: metric(
    'ms',
    ['above', 50, 500],
    'All but one in a hundred appends of the last ten seconds were durable after at most this.',
    'The disk is slow: put the log on a faster one (MUSTER_LOG_DIR).',
  ),
  logPendingBytes: metric(
    'bytes',
    ['above', 16 * MiB, 48 * MiB],
    'Appends that wait for their sync.',
    'See the time of appends.',
  ),
  logFlushLagMs: metric(
    'ms',
    ['above', 5_000, 30_000],
    'Age of the oldest entry of the log that is not in the database yet.',
    'Nothing is lost; find out why the database is slow or away.',
  ),
  logUnflushedBytes: metric(
    'bytes',
    ['above', 256 * MiB, GiB],
    'Log that the database does not hold yet.',
    'See the flush lag; past MUSTER_LOG_BACKLOG_MAX_BYTES appends are refused.',
  ),
  followers: metric('count', ['above', null, null], 'Live readers of streams.', 'Nothing by itself.'),
  sockets: metric('count', ['above', 16_000, 19_500], 'Open WebSockets.', 'Raise MUSTER_HTTP_SOCKETS_MAX.'),
  inFlight: metric(
    'count',
    ['above', 1_000, 1_800],
    'Requests being worked on.',
    'Callers wait: see request times; past MUSTER_HTTP_REQUESTS_IN_FLIGHT_MAX new ones are refused.',
  ),
  jobsReady: metric(
    'count',
    ['above', 500, 5_000],
    'Jobs whose time has come and that nobody has taken.',
    'See the jobs page for the kind; its handler may be failing.',
  ),
  jobsOldestMs: metric(
    'ms',
    ['above', 60_000, 300_000],
    'How long the oldest ready job waits.',
    'A runner may be stuck: the job page names the kind and its last error.',
  ),
} as const satisfies Record<string, SampleMetric>;
export type SampleMetricName = keyof typeof sampleMetrics;
// Object.keys loses the key type; the object above is the proof.
export const sampleMetricNames = Object.keys(sampleMetrics) as [SampleMetricName, ...SampleMetricName[]];

/** A record of `installation/samples`, one a second and node. `null`: nothing was measured. */
export type Sample = { at: string; node: string } & { [name in SampleMetricName]: number | null };

export const partStates = ['ok', 'warning', 'bad', 'unknown'] as const;
export type PartState = (typeof partStates)[number];

/** How a value stands to the thresholds of its metric. */
export function stateOfSample(name: SampleMetricName, value: number | null): PartState {
  if (value === null) return 'unknown';
  const { worse, warnAt, badAt }: SampleMetric = sampleMetrics[name];
  const past = (mark: number | null): boolean => mark !== null && (worse === 'above' ? value > mark : value < mark);
  if (past(badAt)) return 'bad';
  return past(warnAt) ? 'warning' : 'ok';
}
