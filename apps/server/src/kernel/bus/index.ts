import type { Bus } from './bus.ts';
import { Topics } from './topics.ts';

export { type Bus, busLimits } from './bus.ts';
export { DatabaseBus, type DatabaseBusOptions } from './database-bus.ts';

/** The bus of a single process. `onError` is told what a listener threw. */
export const inProcessBus = (onError: (topic: string, error: unknown) => void): Bus => new Topics(onError);
