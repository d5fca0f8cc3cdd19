/* How numbers and times are written, everywhere the same. English words, `Intl` for everything that differs by place. */

const locale = 'en-GB';
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
const ago = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const none = '–';

/** `84 ms`, `2.4 s`, `12 s`, `4 m 12 s`, `3 h 4 m`, `3 d 4 h`: two units at most. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return none;
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < second) return `${Math.round(ms)} ms`;
  if (ms < 10 * second) return `${Math.floor(ms / 100) / 10} s`;
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return two(ms, minute, 'm', second, 's');
  if (ms < day) return two(ms, hour, 'h', minute, 'm');
  return two(ms, day, 'd', hour, 'h');
}

function two(ms: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % big) / small);
  const first = `${whole.format(Math.floor(ms / big))} ${bigUnit}`;
  return rest === 0 ? first : `${first} ${rest} ${smallUnit}`;
}

/** The same for a voice: `4 minutes 12 seconds`. */
export function spokenDuration(ms: number): string {
  const names = { ms: 'millisecond', s: 'second', m: 'minute', h: 'hour', d: 'day' } as const;
  return duration(ms).replaceAll(/([\d.,]+) (ms|s|m|h|d)\b/g, (_, count: string, unit: keyof typeof names) =>
    count === '1' ? `1 ${names[unit]}` : `${count} ${names[unit]}s`,
  );
}

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined || !Number.isFinite(value) ? none : whole.format(value);

const sizes = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `512 B`, `18.4 MB`: three digits, powers of 1,000. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return none;
  if (value < 0) return `−${bytes(-value)}`;
  let step = 0;
  let rest = value;
  while (rest >= 999.5 && step < sizes.length - 1) {
    rest /= 1_000;
    step += 1;
  }
  return `${short.format(rest)} ${sizes[step] ?? ''}`;
}

/** Of a share between 0 and 1: `2 %`, `0.4 %`, `100 %`. Never `100 %` or `0 %` for what is not quite so. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return none;
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  if (value > 99.9 && value < 100) return '99.9 %';
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.min(Math.round(value), value < 100 ? 99 : Infinity)} %`;
}

/** Per second, or per minute when that is the readable one: `35 /s`, `3.2 /min`. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)) return none;
  if (perSecond === 0) return '0 /s';
  return perSecond >= 1 ? `${compact(perSecond)} /s` : `${short.format(perSecond * 60)} /min`;
}

/** `980`, `4.31k`, `1.2M`: for where room is short and the exact number is one step away. */
export function compact(value: number): string {
  if (Math.abs(value) < 1_000) return short.format(value);
  const [unit, by] = Math.abs(value) < 999_500 ? (['k', 1e3] as const) : (['M', 1e6] as const);
  return `${short.format(value / by)}${unit}`;
}

/** Of millionths: `$4.11`, `$0.031`, `$0.0003`; two digits after the point from one cent of precision up. */
export function money(micros: number | null | undefined, currency = 'USD'): string {
  if (micros === null || micros === undefined || !Number.isFinite(micros)) return none;
  const value = micros / 1e6;
  const size = Math.abs(value);
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 3 : Math.min(6, 1 - Math.floor(Math.log10(size)));
  return moneyFormat(currency, digits).format(value);
}

const moneyFormats = new Map<string, Intl.NumberFormat>();
function moneyFormat(currency: string, digits: number): Intl.NumberFormat {
  const key = `${currency}${digits}`;
  let format = moneyFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat('en', {
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol',
      minimumFractionDigits: 2,
      maximumFractionDigits: digits,
    });
    moneyFormats.set(key, format);
  }
  return format;
}

/** `4m ago`, `in 40s`; `now` within a second. */
export function relative(ms: number, now: number): string {
  const delta = ms - now;
  const size = Math.abs(delta);
  if (!Number.isFinite(delta)) return none;
  if (size < second) return 'now';
  const [by, unit] =
    size < minute
      ? ([second, 'second'] as const)
      : size < hour
        ? ([minute, 'minute'] as const)
        : size < day
          ? ([hour, 'hour'] as const)
          : size < 60 * day
            ? ([day, 'day'] as const)
            : size < 365 * day
              ? ([30 * day, 'month'] as const)
              : ([365 * day, 'year'] as const);
  return ago.format(Math.trunc(delta / by), unit);
}

const zoned = new Map<string, Intl.DateTimeFormat>();
function formatFor(kind: 'exact' | 'clock' | 'clockMs' | 'date', zone: string): Intl.DateTimeFormat {
  const key = `${kind} ${zone}`;
  let format = zoned.get(key);
  if (!format) {
    const date = { day: '2-digit', month: 'short', year: 'numeric' } as const;
    const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
    const parts: Intl.DateTimeFormatOptions =
      kind === 'exact'
        ? { ...date, ...clock, timeZoneName: 'short' }
        : kind === 'date'
          ? date
          : kind === 'clockMs'
            ? { ...clock, fractionalSecondDigits: 3 }
            : clock;
    const timeZone = zone === 'local' ? undefined : zone === 'utc' ? 'UTC' : zone;
    format = new Intl.DateTimeFormat(locale, timeZone === undefined ? parts : { ...parts, timeZone });
    zoned.set(key, format);
  }
  return format;
}

/** A zone is `local`, `utc` or a name such as `Europe/Berlin`. */
const at = (kind: 'exact' | 'clock' | 'clockMs' | 'date', ms: number, zone: string): string =>
  Number.isFinite(ms) ? formatFor(kind, zone).format(ms) : none;
export const exact = (ms: number, zone: string): string => at('exact', ms, zone);
export const clockTime = (ms: number, zone: string): string => at('clock', ms, zone);
export const clockTimeMs = (ms: number, zone: string): string => at('clockMs', ms, zone);
export const dateOf = (ms: number, zone: string): string => at('date', ms, zone);
export const isoOf = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString() : none);

/** Milliseconds of what the API says as ISO text; `null` for none or nonsense. */
export function msOf(value: string | number | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  const ms = typeof value === 'number' ? value : Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}

/** `bld_…7QX`: the prefix and the end, which is what differs between neighbours. */
export function shortId(id: string, tail = 5): string {
  const at = id.indexOf('_');
  return at < 1 || id.length - at - 1 <= tail + 2 ? id : `${id.slice(0, at + 1)}…${id.slice(-tail)}`;
}
