/**
 * Claim: after a `kill -9` with 10 000 running bots a restart has all of them scheduled within 5 s of its claim on them,
 * and nothing is done twice. `--bots=2000 --json`; the claim is `--bots=10000`.
 */

import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { sql } from '../apps/server/src/kernel/db/index.ts';
import { actsInGallery, flat, galleryServer, one, runningFleet, settle } from './support/gallery-server.ts';
import { machine, options, round, table } from './support/report.ts';

const given = options();
const bots = given.get('bots', 2_000);
type Health = { gallery?: { bots?: number; restoring?: unknown } };

await using server = await galleryServer();
await server.begin();
await runningFleet(server, bots, (tenth) => ({
  ...flat(1),
  tier: tenth < 2 ? 'power' : tenth < 7 ? 'regular' : 'casual',
}));
await systemClock.sleep(15_000);
await server.kill();
const openAtDeath = await one(server.db, sql`select count(*)::int as n from gallery_actions where state = 'open'`);
const began = performance.now();
const readyMs = await server.begin();
await settle(async () => {
  const { gallery } = await server.ask<Health>('GET', '/health');
  return (gallery?.bots ?? 0) >= bots;
}, 10);
const scheduledMs = performance.now() - began;
await systemClock.sleep(20_000);
await server.ask('POST', '/v1/gallery/fleet/panic', { reason: 'bench' });
await settle(
  async () => (await one(server.db, sql`select count(*)::int as n from gallery_actions where state = 'open'`)) === 0,
);
const inGallery = await one(server.db, actsInGallery);
const inLedger = await one(
  server.db,
  sql`
  select count(*)::int as n from gallery_actions where state = 'done' and kind <> 'unlike'`,
);
const result = {
  bots,
  openAtDeath,
  readyMs: round(readyMs),
  scheduledMs: round(scheduledMs),
  restoreMs: server.restoreMs() ?? 0,
  inGallery,
  inLedger,
  duplicated: inGallery - inLedger,
};
const on = { ...machine(), postgres: server.about };
if (given.json) console.log(JSON.stringify({ bench: 'gallery-restart', machine: on, ...result }, null, 2));
else {
  console.log(`\n${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB, ${on.os}; Node ${on.node}; ${on.postgres}\n`);
  table(['', ''], Object.entries(result));
}
if (scheduledMs - readyMs >= 5_000 || result.duplicated !== 0) process.exitCode = 1;
