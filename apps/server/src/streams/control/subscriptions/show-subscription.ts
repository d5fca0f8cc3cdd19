import type { Room } from './deps.ts';
import { countedTail, type LinkRow, type SubscriptionRow } from './rows.ts';

export type ShownLink = {
  path: string;
  link_type: 'glob' | 'explicit';
  acked_offset: string;
};
export type ShownTail = ShownLink & { tail_offset: string; has_pending: boolean };

const startOffset = '0000000000000000_0000000000000000';

const showLink = ({ path, explicit, acked }: LinkRow): ShownLink => ({
  path,
  link_type: explicit ? 'explicit' : 'glob',
  acked_offset: acked,
});

/** Links with where their streams stand; a stream that is not there has nothing pending. */
export const showTails = (links: readonly LinkRow[], tails: ReadonlyMap<string, string>): ShownTail[] =>
  links.map((link) => {
    const tail = tails.get(link.path);
    return {
      ...showLink(link),
      tail_offset: tail ?? startOffset,
      has_pending: tail !== undefined && isBehind(link.acked, tail),
    };
  });

/** Whether something lies behind `acked`. */
export const isBehind = (acked: string, tail: string): boolean => countedTail(tail) > acked;

/** Where this server is reached, for a subscription: the public URL, or how its maker came. */
export const baseOf = (room: Pick<Room, 'publicBase'>, row: Pick<SubscriptionRow, 'baseUrl'>): string =>
  room.publicBase ?? row.baseUrl ?? '';

export const dsUrl = (base: string, path: string): string => `${base}/v1/stream/__ds/${path}`;
export const subscriptionUrl = (base: string, id: string, action = ''): string =>
  dsUrl(base, `subscriptions/${encodeURIComponent(id)}${action === '' ? '' : `/${action}`}`);

export async function showSubscription(
  room: Pick<Room, 'publicBase' | 'keys'>,
  row: SubscriptionRow,
  links: readonly LinkRow[],
  base: string,
): Promise<Record<string, unknown>> {
  return {
    id: row.id,
    subscription_id: row.id,
    type: row.type,
    ...(row.pattern === null ? {} : { pattern: row.pattern }),
    streams: links.map(showLink),
    ...(row.webhookUrl === null
      ? {}
      : {
          webhook: {
            url: row.webhookUrl,
            signing: { alg: 'ed25519', kid: await room.keys.currentKid(), jwks_url: dsUrl(base, 'jwks.json') },
          },
        }),
    ...(row.wakeStream === null ? {} : { wake_stream: row.wakeStream }),
    lease_ttl_ms: row.leaseTtlMs,
    created_at: row.createdAt.toISOString(),
    status: row.failures > 0 || row.overflowedAt !== null ? 'failed' : 'active',
    ...(row.description === null ? {} : { description: row.description }),
    // Ours: what it does now, and why it fails.
    state: row.state,
    generation: row.generation,
    ...(row.holder === null ? {} : { holder: row.holder, lease_ends_at: row.leaseEndsAt?.toISOString() }),
    ...(row.failures === 0
      ? {}
      : {
          failures: row.failures,
          last_error: row.lastError,
          next_attempt_at: row.nextAttemptAt?.toISOString(),
        }),
    ...(row.overflowedAt === null ? {} : { overflowed_at: row.overflowedAt.toISOString() }),
  };
}
