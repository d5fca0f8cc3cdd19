import type { UsageQuery, WeekStart } from '@muster/protocol';
import { invalid } from '#kernel/base';
import type { Reader } from '#kernel/db';
import { usageLimits } from './limits.ts';
import { dayMs } from './pricing.ts';
import { readHourStarts, readInstants, readLocalStarts } from './queries.ts';

export type Bucket = { start: Date; end: Date; label: string };
export type Range = { from: Date; to: Date; buckets: Bucket[] };

const usualDays = 7;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

/** What was asked for, cut into local pieces; nothing of it lies ahead. Errors: `invalid` `invalid_query`. */
export async function readRange(reader: Reader, query: UsageQuery, now: number): Promise<Range> {
  const { by, tz, weekStart } = query;
  requireZone(tz);
  const [from, to] = await boundsOf(reader, query, now);
  if (from.getTime() >= to.getTime()) throw refuse('from', 'The range ends before it begins.');
  const days = (to.getTime() - from.getTime()) / dayMs;
  const daysMax = by === 'hour' ? usageLimits.hourRangeDaysMax : usageLimits.rangeDaysMax;
  if (days > daysMax) throw refuse('from', `By ${by} a range has at most ${daysMax} days.`);
  const end = new Date(Math.min(to.getTime(), now));
  if (end.getTime() <= from.getTime()) return { from, to, buckets: [] };
  const starts = await startsOf(reader, { from, to: end, by, tz, weekStart });
  const buckets = starts.map(({ start, label }, i) => ({
    label,
    start: i === 0 && start < from ? from : start,
    end: starts[i + 1]?.start ?? to,
  }));
  return { from, to, buckets: await wholeLast(reader, buckets, query, to) };
}

type Cut = { from: Date; to: Date; by: UsageQuery['by']; tz: string; weekStart: WeekStart };
const startsOf = (reader: Reader, { by, ...range }: Cut): Promise<{ start: Date; label: string }[]> =>
  by === 'hour' ? readHourStarts(reader, range) : readLocalStarts(reader, { ...range, by });

/** The last bucket ends where its day does, even when the rest of the range lies ahead. */
async function wholeLast(reader: Reader, buckets: Bucket[], query: UsageQuery, to: Date): Promise<Bucket[]> {
  const last = buckets.at(-1);
  if (!last) return buckets;
  const { by, tz, weekStart } = query;
  const ahead = new Date(last.start.getTime() + 40 * dayMs);
  const next = (await startsOf(reader, { from: last.start, to: ahead, by, tz, weekStart })).find(
    ({ start }) => start > last.start,
  );
  const end = next && next.start < to ? next.start : to;
  return [...buckets.slice(0, -1), { ...last, end }];
}

async function boundsOf(reader: Reader, { from, to, tz }: UsageQuery, now: number): Promise<[Date, Date]> {
  const wall = (text: string, name: string): string => {
    const day = new Date(`${text}T00:00:00Z`);
    if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text)
      throw refuse(name, `There is no day ${text}.`);
    return `${text}T00:00:00`;
  };
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short' });
  const lastDay = to ?? today.format(now);
  const lastLocal = dayPattern.test(lastDay) ? lastDay : today.format(instant(lastDay, 'to'));
  const firstDay = from ?? moved(wall(lastLocal, 'to').slice(0, 10), 1 - usualDays);
  const days = [
    ...(dayPattern.test(firstDay) ? [wall(firstDay, 'from')] : []),
    ...(dayPattern.test(lastDay) ? [wall(moved(wall(lastDay, 'to').slice(0, 10), 1), 'to')] : []),
  ];
  const instants = days.length === 0 ? [] : await readInstants(reader, days, tz);
  const first = dayPattern.test(firstDay) ? instants.shift() : instant(firstDay, 'from');
  const last = dayPattern.test(lastDay) ? instants.shift() : instant(lastDay, 'to');
  if (!first || !last) throw refuse('from', 'There is no such day.');
  return [first, last];
}

const moved = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);

function instant(text: string, name: string): Date {
  const at = new Date(text);
  const year = at.getUTCFullYear();
  if (!/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:?\d\d)$/.test(text) || !(year >= 2000 && year < 9999))
    throw refuse(name, 'expected a day such as 2026-03-29 or an instant such as 2026-03-29T12:00:00Z');
  return at;
}

function requireZone(tz: string): void {
  try {
    Intl.DateTimeFormat('en', { timeZone: tz });
  } catch {
    throw refuse('tz', `There is no time zone ${tz}; take a name such as Europe/Berlin.`);
  }
  if (/^[+-]/.test(tz)) throw refuse('tz', 'Take the name of a zone such as Europe/Berlin, not a distance.');
}

export function refuse(parameter: string, detail: string): Error {
  return invalid('invalid_query', detail, { errors: [{ pointer: `?${parameter}`, detail }] });
}
