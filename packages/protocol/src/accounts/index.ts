export * from './audit.ts';
export * from './keys.ts';
export * from './people.ts';
export * from './views.ts';
