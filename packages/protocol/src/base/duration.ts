import { z } from 'zod';

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof units;

/** A duration as query parameters say it (`50s`, `1500ms`, `24h`), in milliseconds; at most `msMax`. */
export const durationSchema = (msMax: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,9}(?:ms|s|m|h|d)$/, 'a duration such as 50s or 1500ms')
    .transform((text) => {
      const [, count = '0', unit = 'ms'] = /^(\d+)(\D+)$/.exec(text) ?? [];
      return Number(count) * units[unit as Unit];
    })
    .refine((ms) => ms <= msMax, `at most ${msMax} ms`);
