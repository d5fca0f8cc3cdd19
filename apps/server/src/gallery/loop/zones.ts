const minute = 60_000;
const quarterHour = 15 * minute;
const day = 86_400_000;
/** Days kept of one zone; beyond it everything is forgotten and found anew. */
const daysMax = 2_000;

/** The offset from UTC at a moment, and until when it surely stays so. */
export type Span = { offset: number; until: number };

/**
 * Offsets of one IANA zone by `Intl`. A day of UTC that begins and ends with the same offset is taken to have it all day;
 * on others the change is looked for to the quarter hour, which is where all zones in use change.
 */
export class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, { first: number; changes: number; last: number }>();

  /** `RangeError` for a zone that does not exist. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  spanAt(time: number): Span {
    const number = Math.floor(time / day);
    const { first, changes, last } = this.#day(number);
    return time < changes ? { offset: first, until: changes } : { offset: last, until: (number + 1) * day };
  }

  #day(number: number): { first: number; changes: number; last: number } {
    const known = this.#days.get(number);
    if (known) return known;
    if (this.#days.size >= daysMax) this.#days.clear();
    const begins = number * day;
    const first = this.#offsetAt(begins);
    const last = this.#offsetAt(begins + day);
    const found = { first, changes: first === last ? begins + day : this.#changeWithin(begins, first), last };
    this.#days.set(number, found);
    return found;
  }

  #changeWithin(begins: number, first: number): number {
    let before = 0;
    let after = day / quarterHour;
    while (after - before > 1) {
      const middle = (before + after) >> 1;
      if (this.#offsetAt(begins + middle * quarterHour) === first) before = middle;
      else after = middle;
    }
    return begins + after * quarterHour;
  }

  #offsetAt(time: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(time)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1_000) * 1_000;
  }
}

const zones = new Map<string, Zone>();
/** More zones than there are names for. */
const zonesMax = 1_000;

export function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (!zone) {
    if (zones.size >= zonesMax) zones.clear();
    zone = new Zone(name);
    zones.set(name, zone);
  }
  return zone;
}
