import { RateBuckets } from '#kernel/auth';
import { asError, type Limits, type Service } from '#kernel/base';
import { done } from '#kernel/queue';
import type { Logger, Metrics } from '#kernel/telemetry';
import { announceHandler } from './announce-wake.ts';
import { deliverHandler } from './deliver-wake.ts';
import type { Room, SubscriptionsDeps } from './deps.ts';
import { leaseHandler } from './end-lease.ts';
import { subscriptionEvents } from './events.ts';
import { type DsCall, handleDs } from './handle-ds.ts';
import { HostPlaces } from './host-places.ts';
import { jobKinds } from './jobs.ts';
import { subscriptionLimits } from './limits.ts';
import { listExplicitLinks, listLinks } from './link-queries.ts';
import { noticeAppends } from './notice-appends.ts';
import { changedTopic } from './put-subscription.ts';
import { findByNo, listPatterns } from './queries.ts';
import { rescueHandler } from './rescue-wakes.ts';
import { settleHandler } from './settle-subscription.ts';
import { type Box, SigningKeys } from './signing-keys.ts';
import { SubscriptionIndex } from './subscription-index.ts';
import { WakeTokens } from './wake-tokens.ts';

export type SubscriptionsOptions = SubscriptionsDeps & {
  logger: Logger;
  metrics: Metrics;
  bounds: Limits;
  /** Keeps signing keys. */
  box: Box;
  /** Keys of wake tokens, the present one first. */
  tokenKeys: readonly Uint8Array[];
};

const pageMax = 5000;

/** What the operations work with. */
export function roomOf(options: SubscriptionsOptions): Room {
  const { db, clock, box, logger, metrics, managedScope } = options;
  const events = subscriptionEvents(logger, metrics);
  return {
    ...options,
    events,
    index: new SubscriptionIndex((first) => managedScope(first) !== undefined),
    tokens: new WakeTokens(options.tokenKeys, clock),
    keys: new SigningKeys({ db, box, clock, events }),
    places: new HostPlaces(clock),
    rates: new RateBuckets({
      clock,
      perSecond: subscriptionLimits.callsPerSecond,
      burst: subscriptionLimits.callsBurst,
      keysMax: subscriptionLimits.callersMax,
    }),
  };
}

/*
 * new     - its jobs are registered with the queue, which does not run yet; nothing is noticed
 * running - memory knows every subscription; the log's consumer brings appends, hints bring what other nodes made
 * stopped - nothing is noticed any more; the consumer's cursor stays where it is, and the next start goes on there
 */
export class Subscriptions implements Service {
  readonly #room: Room;
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #consuming: Disposable | undefined;
  #heard: Disposable | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#room = roomOf(options);
    const { queue } = options;
    const room = this.#room;
    const deliveries = { concurrency: subscriptionLimits.deliveriesMax, leaseMs: 5000, timeoutMs: 60_000 };
    queue.handle(jobKinds.deliver, deliverHandler(room), deliveries);
    queue.handle(jobKinds.announce, announceHandler(room), deliveries);
    queue.handle(jobKinds.lease, leaseHandler(room), { concurrency: 8 });
    queue.handle(jobKinds.settle, settleHandler(room), { concurrency: 4 });
    queue.handle(jobKinds.keys, async () => (await room.keys.keepHouse(), done));
    queue.handle(jobKinds.rescue, rescueHandler(room));
    queue.schedule(jobKinds.rescue, { everyMs: 60_000 });
    queue.schedule(jobKinds.keys, { everyMs: 60 * 60 * 1000 });
    this.#declareBounds(options.bounds);
  }

  async start(): Promise<void> {
    if (this.#phase !== 'new') return;
    const { log, bus, db, index } = this.#room;
    this.#heard = bus.subscribe(
      changedTopic,
      (no) => this.#later(this.#reload(Number(no))),
      () => this.#later(this.#reloadAll()),
    );
    await this.#reloadAll();
    // The memory log knows no rows, so neither does its consumer's transaction.
    const own = log.promises().driver === 'memory';
    this.#consuming = log.consume(
      'streams.subscriptions',
      '',
      (tx, batch) =>
        own ? db.transaction((rows) => noticeAppends(this.#room, rows, batch)) : noticeAppends(this.#room, tx, batch),
      (key) => index.wants(key),
    );
    this.#phase = 'running';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#phase = 'stopped';
    this.#consuming?.[Symbol.dispose]();
    this.#heard?.[Symbol.dispose]();
  }

  handle(ds: DsCall): Promise<void> {
    return handleDs(this.#room, ds);
  }

  #later(work: Promise<void>): void {
    work.catch((error: unknown) => this.#room.events.failed('read what changed', asError(error)));
  }

  async #reload(no: number): Promise<void> {
    const { db, index } = this.#room;
    const row = await findByNo(db, no);
    if (!row) return index.remove(no);
    const linked = (await listLinks(db, no)).filter(({ explicit }) => explicit).map(({ path }) => path);
    index.put(no, { ...row, linked });
  }

  async #reloadAll(): Promise<void> {
    const { db, index } = this.#room;
    const patterns = await listPatterns(db);
    const linked = new Map<number, string[]>(patterns.map(({ no }) => [no, []]));
    let after = { no: 0, path: '' };
    for (;;) {
      const links = await listExplicitLinks(db, after, pageMax);
      for (const { no, path } of links) linked.get(no)?.push(path);
      const last = links.at(-1);
      if (!last || links.length < pageMax) break;
      after = last;
    }
    // In one step: at no moment is anything that is watched not known to be.
    for (const { no, ...row } of patterns) index.put(no, { ...row, linked: linked.get(no) ?? [] });
    index.keepOnly(new Set(linked.keys()));
  }

  #declareBounds(bounds: Limits): void {
    const { limits, index } = this.#room;
    bounds.add({
      name: 'streams.subscriptions',
      unit: 'count',
      value: limits.subscriptionsMax,
      setting: 'MUSTER_STREAMS_SUBSCRIPTIONS_MAX',
      whenFull: 'A project makes no further subscription: 429 subscriptions_max.',
      used: () => index.size,
    });
    bounds.add({
      name: 'streams.subscriptionLinks',
      unit: 'count',
      value: limits.subscriptionLinksMax,
      setting: 'MUSTER_STREAMS_SUBSCRIPTION_LINKS_MAX',
      whenFull:
        'A subscription links no further stream: 429 links_max when asked to; one whose pattern outgrows it is shown as failed.',
    });
    bounds.add({
      name: 'streams.subscriptionDeliveries',
      unit: 'count',
      value: subscriptionLimits.deliveriesMax,
      whenFull: 'Further wakes of this process wait for a free place.',
    });
    bounds.add({
      name: 'streams.subscriptionDeliveriesPerHost',
      unit: 'count',
      value: subscriptionLimits.placesPerHostMax,
      whenFull: 'Further wakes to that host wait while it answers, and come back a second later while it does not.',
    });
    bounds.add({
      name: 'streams.subscriptionCallsPerSecond',
      unit: 'perSecond',
      value: subscriptionLimits.callsPerSecond,
      whenFull: 'Further calls of that project, or with tokens of that subscription, get 429 rate.',
    });
    bounds.add({
      name: 'streams.subscriptionBodyBytes',
      unit: 'bytes',
      value: subscriptionLimits.bodyBytesMax,
      whenFull: 'The call is refused: 413.',
    });
  }
}
