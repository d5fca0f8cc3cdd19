import { shown } from './docs.ts';
import type { Read } from './read.ts';
import { allSettings } from './schema.ts';

/** One setting as it is in effect. Of a secret only whether there is one. */
export type ShownSetting = {
  name: string;
  group: string;
  says: string;
  value: string;
  default: string | null;
  secret: boolean;
  origin: string;
  givenAs: string | null;
};

/** Every setting in the order of the reference, with where its value comes from. */
export function showConfig(read: Pick<Read, 'config' | 'secrets' | 'origins'>): ShownSetting[] {
  const places: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { ...read.config, secrets: read.secrets };
  return allSettings.map(({ group, key, setting }) => {
    const value = places[group]?.[key];
    const { origin, name } = read.origins.get(setting.name) ?? { origin: 'default', name: setting.name };
    const secret = setting.secret === true;
    return {
      name: setting.name,
      group: setting.group,
      says: setting.says,
      value: secret ? (value === undefined ? 'not set' : 'set') : withoutPassword(shown(setting, value)),
      default: secret || setting.default === undefined ? null : shown(setting, setting.default),
      secret,
      origin,
      givenAs: name === setting.name ? null : name,
    };
  });
}

/** An address may carry one. */
const withoutPassword = (text: string): string => text.replace(/^([a-z]+:\/\/[^:@/]*):[^@/]*@/i, '$1:…@');
