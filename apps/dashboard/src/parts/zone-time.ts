/* Clock times of a zone to moments and back, for fields that know no zone (`datetime-local`). */

const fields = new Map<string, Intl.DateTimeFormat>();

/** How far the zone's clock is ahead of UTC at a moment, in milliseconds. */
function aheadMs(ms: number, zone: string): number {
  if (zone === 'utc') return 0;
  if (zone === 'local') return -new Date(ms).getTimezoneOffset() * 60_000;
  let format = fields.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    fields.set(zone, format);
  }
  const at = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = at;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}

/** What a clock in the zone shows: `2026-11-20T12:04:07`; empty for none. */
export function localOf(iso: string | undefined, zone: string): string {
  const ms = iso === undefined ? Number.NaN : Date.parse(iso);
  return Number.isFinite(ms) ? new Date(ms + aheadMs(ms, zone)).toISOString().slice(0, 19) : '';
}

/**
 * The moment a clock in the zone shows that. A time that a spring change skips becomes the one as far after the jump; one
 * that an autumn change has twice is the first.
 */
export function momentOf(local: string, zone: string): string | undefined {
  const shown = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?/.test(local) ? Date.parse(`${local}Z`) : Number.NaN;
  if (!Number.isFinite(shown)) return undefined;
  const day = 86_400_000;
  const before = shown - aheadMs(shown - day, zone);
  const after = shown - aheadMs(shown + day, zone);
  const fits = (ms: number): boolean => ms + aheadMs(ms, zone) === shown;
  return new Date(fits(before) ? before : fits(after) ? after : before).toISOString();
}
