/* What the console needs of builds while it runs; nothing here brings the schemas along. */
export * from './build-state.ts';
export * from './limits.ts';
export * from './platforms.ts';
export * from './reason-words.ts';
export * from './worker-state.ts';
