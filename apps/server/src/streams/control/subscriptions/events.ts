import type { Logger, Metrics } from '#kernel/telemetry';

/** What the subscriptions tell about themselves. */
export type SubscriptionEvents = {
  woken(type: 'webhook' | 'pull-wake', count: number): void;
  delivered(outcome: 'done' | 'accepted' | 'failed', ms: number): void;
  failing(subscription: { no: number; id: string; projectId: string; failures: number }, error: string): void;
  announced(outcome: 'stored' | 'failed'): void;
  ended(how: 'finish' | 'release' | 'leaseEnd' | 'drop'): void;
  overflowed(subscription: { no: number; id: string; projectId: string }): void;
  keyRotated(kid: string, why: 'first' | 'age' | 'unreadable'): void;
  failed(part: string, error: Error): void;
};

export function subscriptionEvents(logger: Logger, metrics: Metrics): SubscriptionEvents {
  const wakes = metrics.counter({
    name: 'muster_streams_subscription_wakes_total',
    help: 'Wakes begun, by the type of their subscription.',
    labels: { type: ['webhook', 'pull-wake'] },
  });
  const ends = metrics.counter({
    name: 'muster_streams_subscription_wakes_ended_total',
    help: 'Wakes that are over, by how: finished, released, their lease ended, or their streams were removed.',
    labels: { how: ['finish', 'release', 'leaseEnd', 'drop'] },
  });
  const deliveries = metrics.counter({
    name: 'muster_streams_subscription_deliveries_total',
    help: 'Attempts to reach webhooks and wake streams, by outcome.',
    labels: { outcome: ['done', 'accepted', 'stored', 'failed'] },
  });
  const deliverySeconds = metrics.histogram({
    name: 'muster_streams_subscription_delivery_seconds',
    help: 'How long webhooks took to answer.',
  });
  const overflows = metrics.counter({
    name: 'muster_streams_subscription_overflows_total',
    help: 'Subscriptions whose pattern matched more streams than may be linked.',
  });
  return {
    woken: (type, count) => wakes.add({ type }, count),
    delivered(outcome, ms) {
      deliveries.add({ outcome });
      deliverySeconds.observe({}, ms / 1000);
    },
    failing: (subscription, error) => logger.warn({ ...subscription, why: error }, 'a subscription could not be woken'),
    announced: (outcome) => deliveries.add({ outcome }),
    ended: (how) => ends.add({ how }),
    overflowed(subscription) {
      overflows.add({});
      logger.warn(subscription, 'a subscription matches more streams than it may link; the others do not wake it');
    },
    keyRotated: (kid, why) => logger.info({ kid, why }, 'a new key signs subscription webhooks'),
    failed: (part, error) => logger.warn({ part, error }, 'subscriptions: could not'),
  };
}
