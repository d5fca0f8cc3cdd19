import { z } from 'zod';
import type { MindInfo } from '#gallery/minds';
import { writeAudit } from '#kernel/auth';
import { notFound } from '#kernel/base';
import type { Asker, Room } from './room.ts';

const time = z.iso.datetime();

export const mindSchema = z.object({
  name: z.string(),
  provider: z.string().nullable(),
  model: z.string().nullable(),
  kind: z.enum(['free', 'paid']),
  isDefault: z.boolean(),
  degraded: z.string().nullable(),
  price: z.record(z.string(), z.unknown()).nullable(),
  lane: z.record(z.string(), z.unknown()).nullable(),
  calls: z.number().int(),
  lastError: z.object({ at: time, detail: z.string() }).nullable(),
});
export type ShownMind = z.output<typeof mindSchema>;

export const mindTestSchema = z.object({
  ok: z.boolean(),
  latencyMs: z.number(),
  tokens: z.object({ in: z.number(), out: z.number() }),
  costMicros: z.number(),
  detail: z.string(),
});

/** All minds of this server, the one of the settings first. */
export const listMinds = (room: Pick<Room, 'minds'>): { items: ShownMind[] } => ({
  items: room.minds
    .list()
    .toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault))
    .map(showMind),
});

const showMind = ({ lastError, price, lane, ...mind }: MindInfo): ShownMind => ({
  ...mind,
  price: price && { ...price },
  lane: lane && { ...lane },
  lastError: lastError && { at: new Date(lastError.at).toISOString(), detail: lastError.detail },
});

/** One call of 20 tokens, paid for and audited. `notFound` `mind_unknown`. */
export async function testMind(
  room: Room,
  asker: Asker,
  name: string,
  signal: AbortSignal,
): Promise<z.output<typeof mindTestSchema>> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  if (!room.minds.knows(name)) throw notFound('mind_unknown', `There is no mind ${name}.`);
  const tested = await room.minds.test(name, signal);
  await room.db.transaction((tx) =>
    writeAudit(tx, {
      ...asker,
      action: 'gallery.mind.test',
      subject: name,
      after: { ok: tested.ok, costMicros: tested.costMicros },
    }),
  );
  return tested;
}
