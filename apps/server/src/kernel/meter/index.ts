import type { Meter } from './meter.ts';
import { type MeterOptions, PostgresMeter } from './postgres-meter.ts';

export {
  type Meter,
  type UsageEntry,
  type UsageHour,
  type UsageTotal,
  type UsageWindow,
} from './meter.ts';
export { type MeterOptions, meterLimits } from './postgres-meter.ts';

/**
 * Usage of this process on the tables of its database.
 *
 * @example
 * await meter.record(tx, [{ projectId, meter: 'build.time', quantity: ms, at, source: buildId, part: `attempt-${term}` }]);
 */
export const createMeter = (options: MeterOptions): Meter => new PostgresMeter(options);
