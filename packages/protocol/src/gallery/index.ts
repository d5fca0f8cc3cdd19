export * from './activity.ts';
export * from './bot.ts';
export * from './bot-state.ts';
export * from './limits.ts';
export * from './persona.ts';
export * from './reasons.ts';
export * from './target.ts';
