import type { Random } from '#kernel/base';

/** Intervals of 20 s since 2024-10-09T00:00:00Z. */
const epochMs = Date.UTC(2024, 9, 9);
const stepMs = 20_000;
const jitterMaxMs = 3_600_000;

/**
 * The cursor for a live answer: the present interval, or, for a client that is there already, its own plus 1 s to 1 h in
 * intervals. It only grows, so that a shared cache never answers a new poll with an old answer.
 */
export const nextCursor = (given: string | undefined, nowMs: number, random: Random): string =>
  String(cursorAhead(given, nowMs, random) ?? intervalAt(nowMs));

/** The cursor of a client that is ahead of the present interval; `undefined` for all others. */
export function cursorAhead(given: string | undefined, nowMs: number, random: Random): number | undefined {
  const client = given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : -1;
  if (client < intervalAt(nowMs)) return undefined;
  return client + Math.max(1, Math.ceil((random() * jitterMaxMs) / stepMs));
}

const intervalAt = (nowMs: number): number => Math.floor((nowMs - epochMs) / stepMs);

const controlStart = 'event: control\n';
const field = '"streamCursor":"';

/** The events with `cursor` in place of a smaller one. What stands in a payload is never touched: its lines begin with `data:`. */
export function withCursor(events: Uint8Array, cursor: number): Uint8Array {
  const bytes = Buffer.from(events.buffer, events.byteOffset, events.byteLength);
  const control = bytes.lastIndexOf(`\n${controlStart}`);
  if (control < 0 && !bytes.subarray(0, controlStart.length).equals(Buffer.from(controlStart))) return events;
  const at = bytes.indexOf(field, Math.max(control, 0));
  if (at < 0) return events;
  const start = at + field.length;
  const end = bytes.indexOf('"', start);
  if (Number(bytes.toString('latin1', start, end)) >= cursor) return events;
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(String(cursor)), bytes.subarray(end)]);
}
