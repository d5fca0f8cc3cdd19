export { acceptLogLoss } from './accept-loss.ts';
export { createLog, type LogOptions } from './create-log.ts';
export type { Disk, DiskFile } from './disk.ts';
export type { LogEvents } from './events.ts';
export { type InspectOptions, inspectLog, type LogReport, type LogVerdict } from './inspect.ts';
export type { LogLimits } from './limits.ts';
export type {
  Append,
  Appended,
  Committed,
  Configuration,
  CreateStream,
  Durability,
  From,
  Gap,
  Gauges,
  Head,
  Log,
  Message,
  Offset,
  Page,
  Retention,
  Sink,
  StreamKey,
  Tail,
  View,
} from './log.ts';
export { offsetOf, parseOffset } from './offset.ts';
