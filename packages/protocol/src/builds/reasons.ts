import { z } from 'zod';
import { attributions, type FailureCode, failureCodes, waitingReasons } from './reason-words.ts';

export * from './reason-words.ts';

const failureCodeList = Object.keys(failureCodes) as [FailureCode, ...FailureCode[]];
export const failureCodeSchema = z.enum(failureCodeList);

export const waitingSchema = z.object({
  reason: z.enum(waitingReasons),
  detail: z.string(),
  since: z.iso.datetime(),
  position: z.number().int().optional(),
  etaMs: z.number().int().nullable().optional(),
  resumesAt: z.iso.datetime().optional(),
});
export type Waiting = z.infer<typeof waitingSchema>;

export const failureSchema = z.object({
  code: failureCodeSchema,
  detail: z.string(),
  attribution: z.enum(attributions),
  remedy: z.string(),
  docsUrl: z.string(),
  exitCode: z.number().int().optional(),
  /** The last lines of the command's output, for `command_failed`. */
  lastLines: z.array(z.string()).optional(),
});
export type Failure = z.infer<typeof failureSchema>;
