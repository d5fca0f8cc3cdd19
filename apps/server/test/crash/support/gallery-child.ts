/**
 * A server process that consists of the owning half of the loop and the tiny thinking half: to be killed, stopped and
 * doubled. One JSON argument; says `ready` when its bots are back.
 */
import { createLoop, FleetView } from '#gallery/loop';
import { Limits, systemClock, systemRandom } from '#kernel/base';
import { DatabaseBus } from '#kernel/bus';
import { createDb } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { keepCompiled } from '../../support/keep-compiled.ts';
import { TinyThinker } from '../../support/tiny-thinker.ts';
import { until } from '../../support/until.ts';

export type GalleryChildOptions = {
  url: string;
  nodeId: string;
  leaseMs?: number;
  renewEveryMs?: number;
  /** How long a think ponders, in ms. */
  ponderMs?: number;
  /** Whether the world keeps keys. */
  keyed?: boolean;
};

const options = JSON.parse(process.argv[2] ?? '{}') as GalleryChildOptions;
const say = (word: string): void => void process.stdout.write(`${word}\n`);
const db = createDb({
  connectionString: options.url,
  poolMax: 6,
  statementTimeoutMs: 20_000,
  applicationName: 'gallery-child',
  clock: systemClock,
});
await db.start();
const bus = new DatabaseBus({ db, onError: () => undefined });
await bus.start();
const view = new FleetView(db, () => 'improv');
const { ponderMs = 0, keyed = false } = options;
const thinking = new TinyThinker({
  db,
  view,
  node: options.nodeId,
  keyed,
  ...(ponderMs > 0 ? { ponder: ({ signal }) => systemClock.sleep(ponderMs, signal) } : {}),
});
const loop = createLoop({
  db,
  bus,
  clock: systemClock,
  realClock: systemClock,
  random: systemRandom,
  telemetry: {
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  },
  limits: new Limits(),
  nodeId: options.nodeId,
  view,
  thinking,
  probe: () => Promise.resolve(true),
  humanActionsPerDay: () => Promise.resolve(0),
  tell: () => undefined,
  emit: () => undefined,
  config: { thinksInFlightMax: 256, dueQueueMax: 2_000 },
  shardTimes: {
    leaseMs: options.leaseMs ?? 2_000,
    renewEveryMs: options.renewEveryMs ?? 400,
    marginMs: 300,
    drainMs: 2_000,
  },
});
await loop.start();
await until(() => loop.health().restoring === null, { withinMs: 60_000 });
keepCompiled();
say('ready');
setInterval(() => undefined, 1_000); // clocks do not keep a process alive
process.on('SIGTERM', () => void loop[Symbol.asyncDispose]().then(() => process.exit(0)));
