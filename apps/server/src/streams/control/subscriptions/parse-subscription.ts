import { createHash } from 'node:crypto';
import { faultOfPattern } from '@muster/protocol';
import { z } from 'zod';
import { type MusterError } from '#kernel/base';
import { fault } from './fault.ts';
import { subscriptionLimits as limits } from './limits.ts';

/** A path or pattern as the protocol's clients write them: slashes at the ends do not count. */
const normalized = (text: string): string => text.replace(/^\/+|\/+$/g, '');

const path = z
  .string()
  .transform(normalized)
  .refine((text) => faultOfPattern(text) === undefined, { error: ({ input }) => faultOfPattern(String(input)) ?? '' })
  .refine((text) => text !== '__ds' && !text.startsWith('__ds/'), '__ds holds no streams.');
const stream = path.refine(
  (text) => !text.includes('*'),
  'A stream to link has no star in it; that is what pattern is for.',
);

export const streamsShape = z.strictObject({ streams: z.array(stream).min(1).max(limits.linksMax) });

const subscriptionShape = z
  .strictObject({
    type: z.enum(['webhook', 'pull-wake']),
    pattern: path.optional(),
    streams: z.array(stream).max(limits.linksMax).default([]),
    webhook: z.strictObject({ url: z.string().min(1).max(2048) }).optional(),
    wake_stream: stream.optional(),
    lease_ttl_ms: z.number().int().min(limits.leaseMsMin).max(limits.leaseMsMax).default(limits.leaseMsDefault),
    description: z.string().max(limits.descriptionCharsMax).optional(),
  })
  .refine(({ pattern, streams }) => pattern !== undefined || streams.length > 0, 'At least one of pattern and streams.')
  .refine(({ type, webhook }) => (type === 'webhook') === (webhook !== undefined), {
    path: ['webhook'],
    error: 'A webhook subscription, and no other, has webhook.url.',
  })
  .refine(({ type, wake_stream }) => (type === 'pull-wake') === (wake_stream !== undefined), {
    path: ['wake_stream'],
    error: 'A pull-wake subscription, and no other, has wake_stream.',
  });

const offset = z.string().regex(/^(?:-1|\d{16}_\d{16})$/, 'An offset as the server gave it.');
const ack = z
  .strictObject({
    stream: z.string().transform(normalized).optional(),
    path: z.string().transform(normalized).optional(),
    offset,
  })
  .refine((one) => (one.stream === undefined) !== (one.path === undefined), 'Each ack names its stream.')
  .transform((one) => ({ path: one.stream ?? one.path ?? '', offset: one.offset }));

const wakeShape = { wake_id: z.string().max(100), generation: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) };
export const ackShape = z.strictObject({
  ...wakeShape,
  acks: z.array(ack).max(limits.linksMax).default([]),
  done: z.boolean().default(false),
});
export const releaseShape = z.object(wakeShape);
export const claimShape = z.strictObject({ worker: z.string().min(1).max(limits.workerCharsMax) });

export type Wanted = {
  type: 'webhook' | 'pull-wake';
  pattern: string | null;
  streams: readonly string[];
  webhookUrl: string | null;
  wakeStream: string | null;
  leaseTtlMs: number;
  description: string | null;
};

/** A subscription as asked for, in one form whatever the order of its fields and streams. */
export function readWanted(body: Uint8Array): Wanted & { hash: Buffer } {
  const given = read(subscriptionShape, body);
  const wanted: Wanted = {
    type: given.type,
    pattern: given.pattern ?? null,
    streams: [...new Set(given.streams)].sort(),
    webhookUrl: given.webhook?.url ?? null,
    wakeStream: given.wake_stream ?? null,
    leaseTtlMs: given.lease_ttl_ms,
    description: given.description ?? null,
  };
  return { ...wanted, hash: createHash('sha256').update(JSON.stringify(wanted)).digest() };
}

/** The body as JSON of this shape; anything else is `INVALID_REQUEST`, naming what is wrong where. */
export function read<T extends z.ZodType>(shape: T, body: Uint8Array): z.output<T> {
  let value: unknown;
  try {
    value = body.byteLength === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw fault('INVALID_REQUEST', 'The body is not JSON.');
  }
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  throw refusal(result.error);
}

function refusal(error: z.ZodError): MusterError {
  const problems = error.issues.slice(0, 20).map(({ path: at, message }) => ({
    pointer: `/${at.map(String).join('/')}`,
    detail: message,
  }));
  const [first] = problems;
  const where = first === undefined || first.pointer === '/' ? '' : `${first.pointer.slice(1)}: `;
  return fault('INVALID_REQUEST', `${where}${first?.detail ?? 'The body does not fit.'}`, { problems });
}
