import type { Curve } from '@muster/protocol';

export type Thought = { botId: string; at: number; timezone: string; curve: Curve };

/**
 * How far the hours in which bots thought are from the hours their curves give them: the greatest difference of the two
 * distributions over the 24 local hours (Kolmogorov and Smirnov's), from 0 to 1. Each bot counts with as many of its curve's
 * hours as it has thoughts, so that busy ones do not stand for all. `null` when nothing can be compared.
 */
export function hoursApart(thoughts: readonly Thought[]): number | null {
  const seen = Array.from({ length: 24 }, () => 0);
  const wanted = Array.from({ length: 24 }, () => 0);
  for (const thought of thoughts) {
    const { hour, weekday } = localOf(thought.at, thought.timezone);
    const day = thought.curve[weekday] ?? [];
    const whole = day.reduce((sum, speed) => sum + speed, 0);
    if (whole === 0) continue;
    seen[hour] = (seen[hour] ?? 0) + 1;
    for (const [h, speed] of day.entries()) wanted[h] = (wanted[h] ?? 0) + speed / whole;
  }
  const count = seen.reduce((sum, n) => sum + n, 0);
  if (count === 0) return null;
  let apart = 0;
  let [a, b] = [0, 0];
  for (let hour = 0; hour < 24; hour++) {
    a += (seen[hour] ?? 0) / count;
    b += (wanted[hour] ?? 0) / count;
    apart = Math.max(apart, Math.abs(a - b));
  }
  return Math.round(apart * 1_000) / 1_000;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

function localOf(at: number, timeZone: string): { hour: number; weekday: number } {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, hour: 'numeric', hourCycle: 'h23', weekday: 'short' });
    formats.set(timeZone, format);
  }
  const parts = format.formatToParts(at);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return { hour: Number(part('hour')), weekday: weekdays.indexOf(part('weekday')) };
}
