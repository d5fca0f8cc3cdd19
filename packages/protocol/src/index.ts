export * from './base/duration.ts';
export * from './base/errors.ts';
export * from './base/ids.ts';
export * from './base/machine.ts';
export * from './base/paging.ts';
export * from './base/scopes.ts';
export * from './builds/index.ts';
export * from './streams/index.ts';
