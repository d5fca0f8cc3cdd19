export * from './meters.ts';
export * from './usage.ts';
