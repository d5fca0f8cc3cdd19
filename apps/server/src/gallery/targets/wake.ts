import { type AnswerBounds, answerBounds, targetLimits } from './limits.ts';

/** Date and time as ISO 8601 writes them; without a zone UTC is meant. Anything looser would be read by each machine its own way. */
const isoTime = /^(?:[+-]\d{6}|\d{4})-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?<zone>Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * The wake rule: `resetAt − now` by the target's own clock, by default at least 1 s, at most 24 h, and 1 h when the time is missing or
 * unreadable. Answers epoch ms of our clock. `skewMs`: how far the target's clock is ahead of ours.
 */
export function wakeAt(
  resetAt: unknown,
  now: number,
  skewMs: number,
  { wakeMinMs, wakeMaxMs, wakeDefaultMs }: AnswerBounds = answerBounds(),
): number {
  const at = readTime(resetAt);
  if (at === undefined) return now + wakeDefaultMs;
  return now + Math.min(Math.max(at - (now + skewMs), wakeMinMs), wakeMaxMs);
}

function readTime(text: unknown): number | undefined {
  const found = typeof text === 'string' ? isoTime.exec(text.trim()) : null;
  if (!found) return undefined;
  const at = Date.parse(found.groups?.['zone'] === undefined ? `${found[0]}Z` : found[0]);
  return Number.isNaN(at) ? undefined : at;
}

/** How far the target's clock is ahead of ours, by the `Date` header; 0 when it does not say, or agrees within its coarseness. */
export function skewOf(date: string | undefined, now: number): number {
  const theirs = date === undefined ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return 0;
  const skew = theirs - now;
  return Math.abs(skew) <= targetLimits.skewMsMin ? 0 : skew;
}

/** `Retry-After` in seconds or as a date, kept to a minute; `undefined` when it says nothing useful. */
export function retryAfterOf(header: string | undefined, now: number, skewMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : dateAhead(header, now + skewMs);
  return ms !== undefined && ms > 0 ? Math.min(ms, targetLimits.retryAfterMsMax) : undefined;
}

function dateAhead(header: string, now: number): number | undefined {
  // An HTTP date begins with the name of its day; `-1` would be read as a year.
  if (!/^[a-z]{3}/i.test(header.trim())) return undefined;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : at - now;
}
