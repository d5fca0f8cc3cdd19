// A server process with a queue, to be killed: takes jobs of the kind given and holds them for ever, saying which.
import { systemClock } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import { createDb } from '#kernel/db';
import { createQueue } from '#kernel/queue';
import { loneMetrics, silentLogger } from '#kernel/telemetry';

const [connectionString = '', kind = ''] = process.argv.slice(2);
const db = createDb({
  connectionString,
  poolMax: 4,
  statementTimeoutMs: 20_000,
  applicationName: 'queue-child',
  clock: systemClock,
});
await db.start();
const queue = createQueue({
  db,
  bus: inProcessBus(() => undefined),
  holder: `child-${process.pid}`,
  logger: silentLogger,
  metrics: loneMetrics(silentLogger),
  times: { pollMs: 50 },
});
queue.handle(
  kind,
  (job) => {
    process.stdout.write(`${job.id} ${job.term}\n`);
    return new Promise(() => undefined);
  },
  { leaseMs: 1000 },
);
await queue.start();
setInterval(() => undefined, 1000); // clocks do not keep a process alive
