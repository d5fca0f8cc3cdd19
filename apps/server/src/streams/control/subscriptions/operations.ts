import { z } from 'zod';
import type { RawOperation } from '#kernel/http';

/* What the reference says of the calls below `/v1/stream/__ds/`; `handle-ds.ts` serves them. */

const at = '/v1/stream/__ds/subscriptions/:id';
const operate = { scope: 'streams:operate' } as const;
const params = z.object({ id: z.string().describe('Your name for the subscription.') });
const withToken = 'With the token of the wake as the credential, and no other.';

const link = z.object({ path: z.string(), link_type: z.enum(['glob', 'explicit']), acked_offset: z.string() });
const tail = link.extend({ tail_offset: z.string(), has_pending: z.boolean() });
const wakeOf = z.object({ wake_id: z.string(), generation: z.number().int() });
const wanted = z.object({
  type: z.enum(['webhook', 'pull-wake']),
  pattern: z.string().optional().describe('`*` is one segment, `**` any number.'),
  streams: z.array(z.string()).optional(),
  webhook: z.object({ url: z.string() }).optional(),
  wake_stream: z.string().optional(),
  lease_ttl_ms: z.number().int().optional(),
  description: z.string().optional(),
});
const subscription = wanted.extend({
  id: z.string(),
  subscription_id: z.string(),
  streams: z.array(link),
  status: z.enum(['active', 'failed']),
  state: z.enum(['idle', 'waking', 'leased']),
  generation: z.number().int(),
  created_at: z.iso.datetime(),
});
const acks = wakeOf.extend({
  acks: z.array(z.object({ stream: z.string(), offset: z.string() })).optional(),
  done: z.boolean().optional(),
});
const acked = { 200: { description: 'Moved', schema: z.object({ ok: z.literal(true), next_wake: z.boolean() }) } };

export const dsOperations: readonly RawOperation[] = [
  {
    method: 'PUT',
    path: at,
    auth: operate,
    params,
    body: wanted,
    summary: 'Make a subscription, or make sure that it is there',
    description:
      'A durable cursor over streams that wakes a webhook, or a worker that claims. Streams that exist are linked at their end, later ones at their start.',
    answers: {
      200: { description: 'It was there with this configuration', schema: subscription },
      201: { description: 'Made', schema: subscription },
      409: { description: 'It is there with another configuration' },
    },
  },
  {
    method: 'GET',
    path: at,
    auth: operate,
    params,
    summary: 'One subscription, its links and what it does now',
    answers: { 200: { description: 'The subscription', schema: subscription } },
  },
  {
    method: 'DELETE',
    path: at,
    auth: operate,
    params,
    summary: 'End a subscription',
    answers: { 204: { description: 'Gone' } },
  },
  {
    method: 'POST',
    path: `${at}/streams`,
    auth: operate,
    params,
    body: z.object({ streams: z.array(z.string()) }),
    summary: 'Link streams by name',
    answers: { 204: { description: 'Linked' } },
  },
  {
    method: 'DELETE',
    path: `${at}/streams/:path`,
    auth: operate,
    params: params.extend({ path: z.string().describe('Percent-encoded as one segment.') }),
    summary: 'Take back a link by name',
    description: 'A link that the pattern makes stays.',
    answers: { 204: { description: 'Taken back' } },
  },
  {
    method: 'POST',
    path: `${at}/claim`,
    auth: operate,
    params,
    body: z.object({ worker: z.string() }),
    summary: 'Take what a pull-wake subscription has pending',
    answers: {
      200: {
        description: 'The wake, with its token',
        schema: wakeOf.extend({ token: z.string(), streams: z.array(tail), lease_ttl_ms: z.number().int() }),
      },
      409: { description: '`ALREADY_CLAIMED` or `NO_PENDING_WORK`' },
    },
  },
  ...(['ack', 'callback'] as const).map(
    (action): RawOperation => ({
      method: 'POST',
      path: `${at}/${action}`,
      auth: 'open',
      params,
      body: acks,
      summary: action === 'ack' ? 'Say what a worker has done of its wake' : 'Say what a webhook has done of its wake',
      description: `${withToken} Without \`done\` the lease begins again.`,
      answers: { ...acked, 409: { description: '`FENCED` or `INVALID_OFFSET`: nothing changed' } },
    }),
  ),
  {
    method: 'POST',
    path: `${at}/release`,
    auth: 'open',
    params,
    body: wakeOf,
    summary: 'Give a wake back',
    description: withToken,
    answers: { 204: { description: 'Given back' } },
  },
  {
    method: 'GET',
    path: '/v1/stream/__ds/jwks.json',
    auth: 'open',
    summary: 'Public keys of subscription webhooks',
    answers: { 200: { description: 'A key set (RFC 7517)', contentType: 'application/jwk-set+json' } },
  },
];
