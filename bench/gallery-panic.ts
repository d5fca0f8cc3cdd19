/**
 * Claim: the kill switch answers within a second under load, and no act begins after its answer. Bots as lively as they may
 * be (one think each 5 to 6 s) act in the sandbox; then `panic`; then ten seconds of looking. `--bots=1500 --json`; the
 * claim is made at 200 acts a second or more, which takes a machine of its own.
 */

import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { sql } from '../apps/server/src/kernel/db/index.ts';
import { actsInGallery, flat, galleryServer, one, runningFleet } from './support/gallery-server.ts';
import { machine, options, round, table } from './support/report.ts';

const given = options();
const bots = given.get('bots', 1_500);

await using server = await galleryServer();
await server.begin();
await runningFleet(server, bots, () => ({ ...flat(5), minIntervalMs: 5_000, maxIntervalMs: 6_000 }));
await systemClock.sleep(10_000);
const before = await one(server.db, actsInGallery);
await systemClock.sleep(5_000);
const perSecond = ((await one(server.db, actsInGallery)) - before) / 5;

const asked = performance.now();
const answer = await server.ask<{ inFlight: unknown[]; nodes: unknown[]; bots: number }>(
  'POST',
  '/v1/gallery/fleet/panic',
  { reason: 'bench' },
);
const replyMs = performance.now() - asked;
const repliedAt = systemClock.now();
await systemClock.sleep(10_000);
// A row is dated when its request began.
const after = await one(
  server.db,
  sql`
  select ((select count(*) from sandbox_items where by_agent and created_at > ${new Date(repliedAt)})
    + (select count(*) from sandbox_comments where by_agent and created_at > ${new Date(repliedAt)})
    + (select count(*) from sandbox_likes where at > ${new Date(repliedAt)}))::int as n`,
);
const open = await one(server.db, sql`select count(*)::int as n from gallery_actions where state = 'open'`);
const result = {
  bots: answer.bots,
  actsPerSecond: round(perSecond),
  replyMs: round(replyMs),
  onTheWire: answer.inFlight.length,
  begunAfterTheReply: after,
  leftOpen: open,
};
const on = { ...machine(), postgres: server.about };
if (given.json) console.log(JSON.stringify({ bench: 'gallery-panic', machine: on, ...result }, null, 2));
else {
  console.log(`\n${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB, ${on.os}; Node ${on.node}; ${on.postgres}\n`);
  table(['', ''], Object.entries(result));
}
if (replyMs >= 1_000 || after > 0 || open > 0) process.exitCode = 1;
