import { z } from 'zod';
import type { Tx } from '#kernel/db';
import { done, type Handler, type Queue } from '#kernel/queue';
import type { Room } from './deps.ts';
import { jobKinds } from './jobs.ts';
import { countLinks, listLinks, makeLinks, noticeTails } from './link-queries.ts';
import { matchingStreams } from './matching-streams.ts';
import { wake } from './notice-appends.ts';
import { findByNo, lockSubscription } from './queries.ts';
import { beforeFirst, countedTail, type SubscriptionRow } from './rows.ts';
import { tailsOf } from './tails.ts';

const payload = z.object({ no: z.number().int(), round: z.number().int() });
/** By then a hint has reached every node, or is lost and the node has looked by itself. */
const secondRoundMs = 60_000;
export const roundsMax = 2;

/** Compares a subscription with the streams as they are, at once and once more when every node surely knows of it. */
export async function settleLater(room: { queue: Queue }, tx: Tx, no: number): Promise<void> {
  await room.queue.enqueue(tx, {
    kind: jobKinds.settle,
    payload: { no, round: 1 },
    uniqueKey: `${no}:1`,
    attemptsMax: 100,
  });
}

/**
 * The consumer sees appends of streams that memory says are watched; what was appended before memory said so is found here.
 * A stream of the pattern without a link did not exist when the subscription was made: it is new from its first message.
 */
export const settleHandler =
  (room: Room): Handler =>
  async (job) => {
    const { no, round } = payload.parse(job.payload);
    const row = await findByNo(room.db, no);
    if (!row) return done;
    await settle(room, row);
    if (round < roundsMax) {
      await room.db.transaction((tx) =>
        room.queue.enqueue(tx, {
          kind: jobKinds.settle,
          payload: { no, round: round + 1 },
          uniqueKey: `${no}:${round + 1}`,
          attemptsMax: 100,
          runAt: new Date(room.clock.now() + secondRoundMs),
        }),
      );
    }
    return done;
  };

export async function settle(room: Room, row: SubscriptionRow): Promise<void> {
  const { globs, tails } = await tailsNow(room, row);
  await room.db.transaction(async (tx) => {
    const locked = await lockSubscription(tx, row.no);
    if (!locked) return;
    const links = await listLinks(tx, row.no);
    noticeTails(tx, row.no, tails);
    const known = new Set(links.map(({ path }) => path));
    const space = Math.max(0, room.limits.subscriptionLinksMax - locked.links);
    const fresh = tails.filter(({ path }) => globs.has(path) && !known.has(path)).slice(0, space);
    const made = fresh.map(({ path, tail }) => ({
      path,
      explicit: false,
      glob: true,
      acked: beforeFirst,
      noticed: tail,
    }));
    if (made.length > 0) countLinks(tx, row.no, await makeLinks(tx, row.no, row.projectId, made));
    if (locked.state !== 'idle') return;
    const behind = (await listLinks(tx, row.no)).find(({ acked, noticed }) => noticed > acked);
    if (behind) await wake(room, tx, [{ no: row.no, by: behind.path }]);
  });
}

/** Tails of everything it has, or should have, a link to. */
async function tailsNow(
  room: Room,
  row: SubscriptionRow,
): Promise<{ globs: ReadonlySet<string>; tails: { path: string; tail: string }[] }> {
  const globs =
    row.pattern === null
      ? new Map<string, string>()
      : await matchingStreams(room, row.projectId, row.pattern, row.wakeStream, Number.POSITIVE_INFINITY);
  const others = (await listLinks(room.db, row.no)).map(({ path }) => path).filter((path) => !globs.has(path));
  const tails = [...globs, ...(await tailsOf(room.log, row.projectId, others))];
  return { globs: new Set(globs.keys()), tails: tails.map(([path, tail]) => ({ path, tail: countedTail(tail) })) };
}
