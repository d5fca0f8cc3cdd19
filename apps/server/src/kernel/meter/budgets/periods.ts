export const periods = ['day', 'month'] as const;
/** Of UTC: from midnight, from the first of the month. */
export type Period = (typeof periods)[number];
export type Span = { startsAt: number; endsAt: number };

const dayMs = 24 * 3_600_000;

/** The period that holds `at` (epoch ms); `endsAt` belongs to the next one. */
export function spanOf(period: Period, at: number): Span {
  if (period === 'day') {
    const startsAt = Math.floor(at / dayMs) * dayMs;
    return { startsAt, endsAt: startsAt + dayMs };
  }
  const date = new Date(at);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  return { startsAt: Date.UTC(year, month, 1), endsAt: Date.UTC(year, month + 1, 1) };
}
