import { invalid } from '#kernel/base';

/** Whether `zone` is a time zone that this build of ICU knows by name; offsets such as `+02:00` are none. */
export function isTimezone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The three known names most like it, by shared pairs of letters; the name of the place counts more than its region. */
export function nearestTimezones(zone: string): string[] {
  const wanted = zone.slice(0, 64).toLowerCase();
  const city = wanted.split('/').at(-1) ?? '';
  return ['UTC', ...Intl.supportedValuesOf('timeZone')]
    .map((name) => {
      const lower = name.toLowerCase();
      return { name, likeness: shared(wanted, lower) + 2 * shared(city, lower.split('/').at(-1) ?? '') };
    })
    .sort((a, b) => b.likeness - a.likeness || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Dice's measure over pairs of neighbouring letters. */
function shared(a: string, b: string): number {
  const pairs = (text: string): string[] =>
    Array.from({ length: text.length + 1 }, (_, i) => ` ${text} `.slice(i, i + 2));
  const [of, among] = [pairs(a), new Set(pairs(b))];
  return (2 * of.filter((pair) => among.has(pair)).length) / (of.length + among.size);
}

/** Throws `invalid` `timezone_unknown`, with the nearest names. */
export function checkTimezone(zone: string, pointer = '/timezone'): void {
  if (isTimezone(zone)) return;
  const near = nearestTimezones(zone).join(', ');
  throw invalid('timezone_unknown', `${JSON.stringify(zone.slice(0, 64))} is no time zone; near to it are ${near}.`, {
    errors: [{ pointer, detail: `no such time zone; near to it are ${near}` }],
  });
}
