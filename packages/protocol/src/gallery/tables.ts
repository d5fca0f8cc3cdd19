/* What the console needs of this room while it runs; nothing here brings the schemas along. */
export * from './activity-types.ts';
export * from './bot-commands.ts';
export * from './bot-state.ts';
export * from './budget-meters.ts';
export * from './limits.ts';
export * from './reasons.ts';
export * from './sandbox-faults.ts';
