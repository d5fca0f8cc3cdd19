import { type Curve, galleryLimits } from '@muster/protocol';

const hours = 24;
const week = 7 * hours;

/**
 * The short form of a curve, `{weekday, weekend}` of 24 digits each (local hours 0-23, digit ÷ 4, 0 = asleep), as seven
 * days, Sunday first. Anything else is given back as it is, for the schema to judge.
 */
export function weekOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('weekday' in value) || !('weekend' in value)) return value;
  const [weekday, weekend] = [dayOf(value.weekday), dayOf(value.weekend)];
  if (!weekday || !weekend) return value;
  return [weekend, weekday, weekday, weekday, weekday, weekday, weekend].map((day) => [...day]);
}

const dayOf = (digits: unknown): number[] | undefined =>
  typeof digits === 'string' && /^\d{24}$/.test(digits) ? Array.from(digits, (digit) => Number(digit) / 4) : undefined;

/** The curve later by `minutes` (or earlier, below 0) and faster by `scale`: an hour between two is mixed of both. */
export function movedCurve(curve: Curve, minutes: number, scale: number): Curve {
  const flat = curve.flat();
  const at = (hour: number): number => flat[((hour % week) + week) % week] ?? 0;
  const whole = Math.floor(minutes / 60);
  const part = minutes / 60 - whole;
  const moved = flat.map((_, hour) => {
    const speed = scale * ((1 - part) * at(hour - whole) + part * at(hour - whole - 1));
    return Math.min(galleryLimits.curveHighest, Math.round(100 * speed) / 100);
  });
  return Array.from({ length: 7 }, (_, day) => moved.slice(day * hours, (day + 1) * hours));
}
