import { flushCompileCache } from 'node:module';

/**
 * Puts what this process has compiled where the next one finds it (`NODE_COMPILE_CACHE`). Node does so when a process ends;
 * one that will be killed says so itself, once it has loaded what it needs. Most of what a short life costs is compiling.
 */
export const keepCompiled = (): void => flushCompileCache();
