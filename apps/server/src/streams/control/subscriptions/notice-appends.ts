import { randomToken, reach } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { type Committed, offsetOf, parseOffset, type StreamKey } from '#kernel/log';
import type { Room } from './deps.ts';
import { wakeJob } from './jobs.ts';
import { countLinks, findLinks, linkedTo, makeLinks, moveLinks } from './link-queries.ts';
import { lockSubscriptions, markOverflow, startWakes } from './queries.ts';
import { beforeFirst, type SubscriptionRow } from './rows.ts';
import { tailOf } from './tails.ts';

/** A stream that moved: where it stood before, and where it stands. */
type Moved = StreamKey & { before: string; tail: string };

/**
 * Appends, in the order of the log: links are made and moved, and who rests is woken, in the transaction that moves the
 * log's cursor. So no append is missed and none is counted twice, whatever happens in between.
 */
export async function noticeAppends(room: Room, tx: Tx, batch: readonly Committed[]): Promise<void> {
  const moved = await movedStreams(room, batch);
  if (moved.length === 0) return;
  const matched = new Map<number, Moved[]>();
  const add = (no: number, stream: Moved): void => {
    const known = matched.get(no);
    if (!known) matched.set(no, [stream]);
    else if (!known.includes(stream)) known.push(stream);
  };
  const byName = new Map(moved.map((stream) => [`${stream.projectId}/${stream.path}`, stream]));
  for (const { no, projectId, path } of await linkedTo(tx, moved)) {
    const stream = byName.get(`${projectId}/${path}`);
    if (stream) add(no, stream);
  }
  const globs = new Set<string>();
  for (const stream of moved) {
    for (const no of room.index.patternsOf(stream)) {
      globs.add(`${no}/${stream.path}`);
      add(no, stream);
    }
  }
  if (matched.size === 0) return;
  const woken: { no: number; by: string }[] = [];
  for (const subscription of await lockSubscriptions(tx, [...matched.keys()])) {
    const streams = matched.get(subscription.no) ?? [];
    const pending = await noticeStreams(room, tx, subscription, streams, (path) =>
      globs.has(`${subscription.no}/${path}`),
    );
    const [first] = pending;
    if (first !== undefined && subscription.state === 'idle') woken.push({ no: subscription.no, by: first });
  }
  await wake(room, tx, woken);
  await reach('subscription.noticed');
}

/** Begins a wake for those that rest, and has it carried out. */
export async function wake(room: Room, tx: Tx, idle: readonly { no: number; by: string }[]): Promise<void> {
  if (idle.length === 0) return;
  const woken = await startWakes(
    tx,
    idle.map(({ no, by }) => ({ no, by, wakeId: newWakeId() })),
  );
  await room.queue.enqueueMany(tx, woken.map(wakeJob));
  tx.afterCommit(() => {
    for (const { type } of woken) room.events.woken(type, 1);
  });
}

export const newWakeId = (): string => `wake_${randomToken(12)}`;

/** Moves the links of one locked subscription, and makes those its pattern calls for. Answers with what is behind now. */
async function noticeStreams(
  room: Room,
  tx: Tx,
  subscription: SubscriptionRow,
  streams: readonly Moved[],
  inPattern: (path: string) => boolean,
): Promise<string[]> {
  const { no, projectId } = subscription;
  const paths = streams.map(({ path }) => path);
  const known = new Set((await findLinks(tx, no, paths)).map(({ path }) => path));
  const old = streams
    .filter(({ path }) => known.has(path))
    .map((stream) => ({ ...stream, glob: inPattern(stream.path) }));
  const behind = old.length > 0 ? await moveLinks(tx, no, old) : [];
  const fresh = streams.filter(({ path }) => !known.has(path) && inPattern(path));
  const fitting = fresh.slice(0, Math.max(0, room.limits.subscriptionLinksMax - subscription.links));
  if (fitting.length < fresh.length && subscription.overflowedAt === null) {
    markOverflow(tx, [no]);
    tx.afterCommit(() => room.events.overflowed(subscription));
  }
  if (fitting.length === 0) return behind;
  const links = fitting.map(({ path, before, tail }) => ({
    path,
    explicit: false,
    glob: true,
    acked: before,
    noticed: tail,
  }));
  countLinks(tx, no, await makeLinks(tx, no, projectId, links));
  return [...behind, ...fitting.map(({ path }) => path)];
}

/** Each stream of the batch once. A stream that is gone meanwhile wakes nobody. */
async function movedStreams(room: Room, batch: readonly Committed[]): Promise<Moved[]> {
  const first = new Map<string, Committed>();
  for (const frame of batch) {
    const { projectId, path } = frame.key;
    const name = `${projectId}/${path}`;
    if (frame.messages.length > 0 && !first.has(name) && room.index.wants(frame.key)) first.set(name, frame);
  }
  const moved = await Promise.all(
    [...first.values()].map(async ({ key, firstSeq }): Promise<Moved | undefined> => {
      const tail = await tailOf(room.log, key);
      const at = tail === undefined ? undefined : parseOffset(tail);
      // A stream made anew since then has nothing of what was appended to the one before it.
      if (tail === undefined || !at || at.seq === 0) return undefined;
      return { ...key, tail, before: firstSeq === 1 ? beforeFirst : offsetOf(at.era, firstSeq - 1) };
    }),
  );
  return moved.filter((stream) => stream !== undefined);
}
