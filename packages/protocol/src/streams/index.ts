export * from './path-pattern.ts';
export * from './subscription-state.ts';
