import { inProcessBus } from '#kernel/bus';
import { type BusMaker, busContract } from './bus.ts';

busContract('in-process', () => {
  const errors: BusMaker['errors'] = [];
  const bus = inProcessBus((topic, error) => errors.push({ topic, error }));
  return Promise.resolve({ ends: [bus, bus], errors, close: () => Promise.resolve() });
});
