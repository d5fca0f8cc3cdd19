import { writeAudit } from '#kernel/auth';
import { exhausted } from '#kernel/base';
import type { Room } from './deps.ts';
import { noSuchSubscription } from './fault.ts';
import { countLinks, findLinks, makeLinks, unlinkStream } from './link-queries.ts';
import { maySubscribe, mayWatch } from './may-subscribe.ts';
import { read, streamsShape } from './parse-subscription.ts';
import { type Asked, changedTopic } from './put-subscription.ts';
import { findSubscription, lockSubscription } from './queries.ts';
import { beforeFirst } from './rows.ts';
import { settleLater } from './settle-subscription.ts';
import { tailsOf } from './tails.ts';

/** Links streams by name, at their tail. Those that are linked stay where they are. `SUBSCRIPTION_NOT_FOUND`; `exhausted` `links_max`. */
export async function linkStreams(room: Room, asked: Asked, id: string, body: Uint8Array): Promise<void> {
  const { who } = asked;
  maySubscribe(room, who);
  const paths = [...new Set(read(streamsShape, body).streams)].sort();
  mayWatch(room, who, paths);
  const row = await findSubscription(room.db, who.projectId, id);
  if (!row) throw noSuchSubscription(id);
  // Appends from now on are noticed, so that none falls between the tail and the link.
  room.index.link(row.no, paths);
  const tails = await tailsOf(room.log, who.projectId, paths);
  await room.db.transaction(async (tx) => {
    const locked = await lockSubscription(tx, row.no);
    if (!locked) throw noSuchSubscription(id);
    const known = new Set((await findLinks(tx, row.no, paths)).map(({ path }) => path));
    const fresh = paths.filter((path) => !known.has(path)).length;
    if (locked.links + fresh > room.limits.subscriptionLinksMax)
      throw exhausted('links_max', `A subscription links at most ${room.limits.subscriptionLinksMax} streams.`);
    const links = paths.map((path) => {
      const tail = tails.get(path) ?? beforeFirst;
      return { path, explicit: true, glob: false, acked: tail, noticed: tail };
    });
    countLinks(tx, row.no, await makeLinks(tx, row.no, who.projectId, links));
    await settleLater(room, tx, row.no);
    await writeAudit(tx, {
      who,
      address: asked.address,
      requestId: asked.requestId,
      action: 'subscription.linked',
      subject: id,
      after: { streams: paths },
    });
    tx.afterCommit(() => room.bus.publish(changedTopic, String(row.no)));
  });
}

/** Takes back a link by name; one the pattern makes stays. Idempotent. `SUBSCRIPTION_NOT_FOUND`. */
export async function unlinkStreamByName(room: Room, asked: Asked, id: string, path: string): Promise<void> {
  const { who, address, requestId } = asked;
  maySubscribe(room, who);
  const row = await findSubscription(room.db, who.projectId, id);
  if (!row) throw noSuchSubscription(id);
  await room.db.transaction(async (tx) => {
    if (!(await lockSubscription(tx, row.no))) throw noSuchSubscription(id);
    const { gone, was } = await unlinkStream(tx, row.no, path);
    if (gone > 0) countLinks(tx, row.no, -gone);
    if (!was) return;
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'subscription.unlinked',
      subject: id,
      before: { stream: path },
    });
    tx.afterCommit(() => {
      room.index.unlink(row.no, [path]);
      room.bus.publish(changedTopic, String(row.no));
    });
  });
}
