/**
 * A server process as far as claims go: pool, room, the real statement. It reads one JSON command per line and answers each
 * with one line: what its claims handed out.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '#kernel/base';
import { createDb } from '#kernel/db';
import { claimBuilds } from '../../src/builds/claim-build.ts';
import { buildsRoom } from './builds-room.ts';

export type ClaimCommand = { workerIds: string[]; batch: number };
export type ClaimedPair = { workerId: string; buildId: string; term: number };
export type ClaimReply = { pairs: ClaimedPair[]; retries: number };

await using db = createDb({
  connectionString: process.argv[2] ?? '',
  poolMax: 4,
  statementTimeoutMs: 10_000,
  applicationName: 'claims-child',
  clock: systemClock,
});
await db.start();
await using rooms = await buildsRoom(db);
process.stdout.write('{}\n');

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as ClaimCommand;
  process.stdout.write(`${JSON.stringify(await claimAll(command))}\n`);
}

/** Claims until the workers find nothing more, without anybody else on their side. */
async function claimAll({ workerIds, batch }: ClaimCommand): Promise<ClaimReply> {
  const reply: ClaimReply = { pairs: [], retries: 0 };
  for (;;) {
    const { taken, again, ready } = await claimBuilds(rooms.room, workerIds.slice(0, batch));
    reply.pairs.push(...taken.map(({ workerId, job }) => ({ workerId, buildId: job.build.id, term: job.build.term })));
    if (again) reply.retries += 1;
    if (taken.length > 0 || again) continue;
    // A batch of full workers says nothing of those behind them.
    if (ready.length === 0 && batch < workerIds.length) batch = workerIds.length;
    else return reply;
  }
}
