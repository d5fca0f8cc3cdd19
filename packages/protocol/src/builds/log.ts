import { z } from 'zod';
import { logRecordSchema } from './build.ts';

/** One line of a build's log under its number: 0, 1, 2 … over the whole log, whatever attempt; it never changes. */
export const logLineSchema = logRecordSchema.extend({
  n: z.number().int(),
  /** Bytes that `text` is short of, when it was cut; ask for the line with `whole`. */
  cutBytes: z.number().int().optional(),
});
export type LogLine = z.infer<typeof logLineSchema>;

/** Lines that are no longer there, `from` up to but not `to`. */
export const logGapSchema = z.object({ from: z.number().int(), to: z.number().int(), reason: z.string() });
export type LogGap = z.infer<typeof logGapSchema>;

/** A part of a log by line numbers. */
export const logPageSchema = z.object({
  /** Number of the first line that can be read. */
  first: z.number().int(),
  /** Lines so far: one more than the last number. */
  total: z.number().int(),
  /** Nothing will ever come behind it. */
  ended: z.boolean(),
  /** Offset of `total` in the stream of the log: who follows from here misses nothing and repeats nothing. */
  next: z.string(),
  items: z.array(logLineSchema),
  gaps: z.array(logGapSchema),
});
export type LogPage = z.infer<typeof logPageSchema>;

export const logHitSchema = z.object({
  n: z.number().int(),
  /** Where in the text it begins and ends, in UTF-16 units; absent where only a level was asked for. */
  from: z.number().int().optional(),
  to: z.number().int().optional(),
});
export type LogHit = z.infer<typeof logHitSchema>;

export const logHitsSchema = z.object({
  /** Lines of the log that match; null when the search stopped before its end (`count=false`, or its time was up). */
  total: z.number().int().nullable(),
  hits: z.array(logHitSchema),
  /** From where to ask for more. */
  next: z.number().int().nullable(),
});
export type LogHits = z.infer<typeof logHitsSchema>;
