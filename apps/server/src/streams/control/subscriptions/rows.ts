import type { SubscriptionState } from '@muster/protocol';

/** As the view `subscription_rows` gives them. */
export type SubscriptionRow = {
  no: number;
  projectId: string;
  id: string;
  type: 'webhook' | 'pull-wake';
  pattern: string | null;
  webhookUrl: string | null;
  wakeStream: string | null;
  leaseTtlMs: number;
  description: string | null;
  configHash: Uint8Array;
  baseUrl: string | null;
  createdAt: Date;
  links: number;
  overflowedAt: Date | null;
  state: SubscriptionState;
  generation: number;
  wakeId: string | null;
  wokenBy: string | null;
  holder: string | null;
  leaseEndsAt: Date | null;
  /** By the database's clock. */
  leaseOver: boolean;
  failures: number;
  lastError: string | null;
  nextAttemptAt: Date | null;
  /** Its next attempt is still to come, by the database's clock. */
  resting: boolean;
};

export type LinkRow = {
  path: string;
  explicit: boolean;
  glob: boolean;
  acked: string;
  noticed: string;
};

/** Before the first message of a stream. Sorts before every offset. */
export const beforeFirst = '-1';

const zeroSeq = '_0000000000000000';
/** A tail as it counts for links: that of a stream without a message is before its first one. */
export const countedTail = (tail: string): string => (tail.endsWith(zeroSeq) ? beforeFirst : tail);
