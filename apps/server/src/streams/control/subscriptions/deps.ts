import type { Scope } from '@muster/protocol';
import type { Auth, RateBuckets } from '#kernel/auth';
import type { Clock, Random } from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Outbound } from '#kernel/outbound';
import type { Queue } from '#kernel/queue';
import type { SubscriptionEvents } from './events.ts';
import type { HostPlaces } from './host-places.ts';
import type { SubscriptionLimits } from './limits.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { SubscriptionIndex } from './subscription-index.ts';
import type { WakeTokens } from './wake-tokens.ts';

/** What the subscriptions need from outside. */
export type SubscriptionsDeps = {
  db: Db;
  log: Log;
  queue: Queue;
  bus: Bus;
  auth: Auth;
  outbound: Outbound;
  clock: Clock;
  random: Random;
  limits: SubscriptionLimits;
  /** What the URLs that are told to others begin with; without it, what the maker of a subscription called. */
  publicBase: string | undefined;
  /** Whether this server listens on loopback only. */
  loopback: boolean;
  /** The scope that reading a managed prefix takes; `undefined`: the prefix is free. */
  managedScope: (firstSegment: string) => Scope | undefined;
};

/** What its operations work with. */
export type Room = SubscriptionsDeps & {
  events: SubscriptionEvents;
  index: SubscriptionIndex;
  tokens: WakeTokens;
  keys: SigningKeys;
  places: HostPlaces;
  rates: RateBuckets;
};
