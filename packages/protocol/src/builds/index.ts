export * from './build.ts';
export * from './build-state.ts';
export * from './limits.ts';
export * from './queues.ts';
export * from './reasons.ts';
export * from './submit.ts';
export * from './worker.ts';
export * from './worker-state.ts';
