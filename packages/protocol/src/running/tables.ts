/* What the console needs of this room while it runs; nothing here brings the schemas along. */
export * from './console-paths.ts';
export * from './feed.ts';
export * from './job-states.ts';
export * from './sample-metrics.ts';
