import { configPage, shown } from './docs.ts';
import { ConfigError, readConfig } from './read.ts';
import { allSettings } from './schema.ts';

/** `config check | print [--origin] | docs`: what to print, and the exit code. */
export function runConfigCommand(
  verb: string | undefined,
  options: { env: Readonly<Record<string, string | undefined>>; flags: ReadonlyMap<string, string>; origin: boolean },
): { text: string; code: 0 | 2 } {
  if (verb === 'docs') return { text: configPage(), code: 0 };
  if (verb !== 'check' && verb !== 'print')
    return { text: 'Use: config check | config print [--origin] | config docs\n', code: 2 };
  try {
    const read = readConfig(options.env, options.flags);
    const warnings = read.warnings.map((warning) => `warning: ${warning}\n`).join('');
    if (verb === 'check') return { text: `${warnings}All ${allSettings.length} settings are right.\n`, code: 0 };
    const places: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      ...read.config,
      secrets: read.secrets,
    };
    const lines = allSettings.map(({ group, key, setting }) => {
      const value = places[group]?.[key];
      const text = setting.secret ? (value === undefined ? '' : '(secret)') : shown(setting, value);
      const from = read.origins.get(setting.name);
      const origin = from && from.name !== setting.name ? `${from.origin} ${from.name}` : from?.origin;
      return options.origin ? `${setting.name}=${text}\t# ${origin ?? 'default'}` : `${setting.name}=${text}`;
    });
    return { text: `${lines.join('\n')}\n${warnings}`, code: 0 };
  } catch (error) {
    if (error instanceof ConfigError) return { text: `${error.message}\n`, code: 2 };
    throw error;
  }
}
