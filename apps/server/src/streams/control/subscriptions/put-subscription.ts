import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import { exhausted, MusterError } from '#kernel/base';
import type { Room } from './deps.ts';
import { fault } from './fault.ts';
import { countLinks, listLinks, makeLinks, type NewLink } from './link-queries.ts';
import { matchingStreams } from './matching-streams.ts';
import { maySubscribe, mayWake, mayWatch } from './may-subscribe.ts';
import { readWanted, type Wanted } from './parse-subscription.ts';
import { countSubscriptions, findSubscription, insertSubscription, lockMakers } from './queries.ts';
import { beforeFirst, type SubscriptionRow } from './rows.ts';
import { settleLater } from './settle-subscription.ts';
import { showSubscription } from './show-subscription.ts';
import { tailsOf } from './tails.ts';

/** Who asks, and where from, for the audit. */
export type Asked = { who: Principal; address: string; requestId: string; base: string };

/**
 * Makes a subscription, or makes sure it is there. Streams that exist are linked at their tail. Errors: `INVALID_REQUEST`,
 * `WEBHOOK_URL_REJECTED`, `SUBSCRIPTION_ALREADY_EXISTS`; `exhausted` `subscriptions_max`, `links_max`; those of `maySubscribe`.
 */
export async function putSubscription(
  room: Room,
  { who, address, requestId, base }: Asked,
  id: string,
  body: Uint8Array,
): Promise<{ created: boolean; shown: Record<string, unknown> }> {
  maySubscribe(room, who);
  const { hash, ...wanted } = readWanted(body);
  const { projectId } = who;
  const known = await findSubscription(room.db, projectId, id);
  if (known) return { created: false, shown: await same(room, known, hash, base) };
  mayWatch(room, who, [...wanted.streams, ...(wanted.pattern === null ? [] : [wanted.pattern])]);
  await checkWayOut(room, projectId, wanted, base);
  const links = await firstLinks(room, projectId, wanted);
  const made = await room.db.transaction(async (tx) => {
    await lockMakers(tx, projectId);
    const sooner = await findSubscription(tx, projectId, id);
    if (sooner) return sooner;
    if ((await countSubscriptions(tx, projectId)) >= room.limits.subscriptionsMax)
      throw exhausted('subscriptions_max', `A project has at most ${room.limits.subscriptionsMax} subscriptions.`);
    const no = await insertSubscription(tx, {
      ...wanted,
      projectId,
      id,
      configHash: hash,
      baseUrl: room.loopback && base !== '' ? base : null,
      createdBy: nameOf(who),
    });
    countLinks(tx, no, await makeLinks(tx, no, projectId, links));
    // Between the look at the streams and the moment every node knows of this one, appends may have gone by unnoticed.
    await settleLater(room, tx, no);
    await writeAudit(tx, { who, address, requestId, action: 'subscription.created', subject: id, after: wanted });
    tx.afterCommit(() => {
      room.index.put(no, { projectId, pattern: wanted.pattern, wakeStream: wanted.wakeStream, linked: wanted.streams });
      room.bus.publish(changedTopic, String(no));
    });
    return undefined;
  });
  const row = made ?? (await findSubscription(room.db, projectId, id));
  if (!row) throw fault('SUBSCRIPTION_NOT_FOUND', 'The subscription was deleted at the same moment.');
  if (made) return { created: false, shown: await same(room, made, hash, base) };
  return { created: true, shown: await showSubscription(room, row, await listLinks(room.db, row.no), base) };
}

/** Hint to the other nodes: look at the rows of this subscription. */
export const changedTopic = 'streams.subscriptions';

async function same(room: Room, row: SubscriptionRow, hash: Buffer, base: string): Promise<Record<string, unknown>> {
  if (!hash.equals(row.configHash))
    throw fault('SUBSCRIPTION_ALREADY_EXISTS', `There is a subscription of this name with another configuration.`);
  return showSubscription(room, row, await listLinks(room.db, row.no), base);
}

/** Where wakes will go must be a place this server may write to. */
async function checkWayOut(room: Room, projectId: string, wanted: Wanted, base: string): Promise<void> {
  if (wanted.webhookUrl !== null) {
    if (room.publicBase === undefined && !(room.loopback && base !== ''))
      throw fault(
        'INVALID_REQUEST',
        'A webhook is told where to call back, and this server does not know its own address. Set MUSTER_PUBLIC_URL.',
      );
    try {
      await room.outbound.check(wanted.webhookUrl);
    } catch (error) {
      if (error instanceof MusterError && error.code === 'invalid') throw fault('WEBHOOK_URL_REJECTED', error.message);
      throw error;
    }
  }
  if (wanted.wakeStream !== null) {
    mayWake(room, wanted.wakeStream);
    const head = await room.log.head({ projectId, path: wanted.wakeStream });
    if (head && !isJson(head.contentType))
      throw fault(
        'INVALID_REQUEST',
        `wake_stream: ${wanted.wakeStream} holds ${head.contentType}; wake events are JSON.`,
      );
  }
}

export const isJson = (contentType: string): boolean => /^application\/json\s*(;|$)/i.test(contentType.trim());

async function firstLinks(room: Room, projectId: string, wanted: Wanted): Promise<NewLink[]> {
  const { subscriptionLinksMax } = room.limits;
  const globs =
    wanted.pattern === null
      ? new Map<string, string>()
      : await matchingStreams(room, projectId, wanted.pattern, wanted.wakeStream, subscriptionLinksMax);
  const missing = wanted.streams.filter((path) => !globs.has(path));
  if (globs.size + missing.length > subscriptionLinksMax)
    throw exhausted('links_max', `A subscription links at most ${subscriptionLinksMax} streams.`);
  const tails = new Map([...globs, ...(await tailsOf(room.log, projectId, missing))]);
  const explicit = new Set(wanted.streams);
  return [...new Set([...globs.keys(), ...missing])].map((path) => {
    const tail = tails.get(path) ?? beforeFirst;
    return { path, explicit: explicit.has(path), glob: globs.has(path), acked: tail, noticed: tail };
  });
}
