export { runConfigCommand } from './command.ts';
export { configPage, envExample } from './docs.ts';
export { type CommandLine, readCommandLine } from './flags.ts';
export { ConfigError, type Read, readConfig } from './read.ts';
export type { Config, GivenSecrets } from './schema.ts';
export { createSecrets, type SecretBox, type Secrets } from './secrets.ts';
export { type ShownSetting, showConfig } from './show-config.ts';

/** What the process was started with. The one place that looks. */
export const processEnv = (): Readonly<Record<string, string | undefined>> => process.env;
