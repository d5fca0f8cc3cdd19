export { AddressSet, isLoopback, isRange, networkOf, plainAddress } from './addresses.ts';
export { assert, must, never } from './assert.ts';
export { type Clock, FakeClock, systemClock } from './clock.ts';
export {
  asError,
  conflict,
  exhausted,
  forbidden,
  internal,
  invalid,
  MusterError,
  notFound,
  unauthenticated,
  unavailable,
} from './errors.ts';
export { newId } from './ids.ts';
export { type FatalHandler, Lifecycle, type Service } from './lifecycle.ts';
export { type Limit, Limits } from './limits.ts';
export { nearest } from './nearest.ts';
export { arm, reach } from './points.ts';
export { jitter, type Random, randomToken, systemRandom } from './random.ts';
export { Signal } from './signal.ts';
export { SimClock } from './sim-clock.ts';
