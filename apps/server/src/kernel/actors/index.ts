export { TimerWheel, type TimerWheelOptions } from './timer-wheel.ts';
export { WheelDriver } from './wheel-driver.ts';
