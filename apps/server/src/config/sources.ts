import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { asError } from '#kernel/base';
import type { AnySetting } from './schema.ts';

export type Origin = 'flag' | 'environment' | 'file' | '.env' | 'legacy' | 'default';
export type Found = { value: string; origin: Origin /** The name it stood under. */; name: string };

export type Inputs = {
  env: Readonly<Record<string, string | undefined>>;
  /** Flags by setting name. */
  flags: ReadonlyMap<string, string>;
  /** What `.env` of the working folder holds. */
  dotEnv: Readonly<Record<string, string | undefined>>;
  cwd: string;
};

export type Problem = { name: string; given?: string; detail: string };

/** What stands in `.env`, or nothing when there is no such file. */
export function readDotEnv(cwd: string): { values: Readonly<Record<string, string | undefined>>; problem?: Problem } {
  const path = resolve(cwd, '.env');
  try {
    return { values: parseEnv(readFileSync(path, 'utf8')) };
  } catch (error) {
    if (asError(error) instanceof Error && 'code' in asError(error) && Reflect.get(asError(error), 'code') === 'ENOENT')
      return { values: {} };
    return { values: {}, problem: { name: '.env', detail: `${path} cannot be read: ${asError(error).message}` } };
  }
}

/** The strongest source that has a value: flag, environment, file named by `<NAME>_FILE`, `.env`. */
export function lookUp(setting: AnySetting, inputs: Inputs, problems: Problem[]): Found | undefined {
  const names = [setting.name, ...(setting.aliases ?? [])];
  const flag = inputs.flags.get(setting.name);
  if (flag !== undefined) return { value: flag, origin: 'flag', name: setting.name };
  return (
    fromLayer(names, inputs.env, 'environment', inputs.cwd, problems) ??
    fromLayer(names, inputs.dotEnv, '.env', inputs.cwd, problems)
  );
}

function fromLayer(
  names: readonly string[],
  layer: Inputs['env'],
  origin: Origin,
  cwd: string,
  problems: Problem[],
): Found | undefined {
  for (const name of names) {
    const value = layer[name];
    if (value !== undefined) return { value, origin, name };
  }
  for (const name of names) {
    const file = layer[`${name}_FILE`];
    if (file === undefined) continue;
    try {
      return {
        value: readFileSync(resolve(cwd, file), 'utf8').replace(/\r?\n$/, ''),
        origin: 'file',
        name: `${name}_FILE`,
      };
    } catch (error) {
      problems.push({
        name: `${name}_FILE`,
        given: file,
        detail: `The file cannot be read: ${asError(error).message}.`,
      });
      return undefined;
    }
  }
  return undefined;
}

/** Values under names of replaced systems, ours winning when both are set. */
export function lookUpLegacy(setting: AnySetting, inputs: Inputs): { found: Found; of: string } | undefined {
  for (const { name, of, ours } of setting.legacy ?? []) {
    const value = inputs.env[name] ?? inputs.dotEnv[name];
    if (value !== undefined && value.trim() !== '')
      return { found: { value: ours ? ours(value) : value, origin: 'legacy', name }, of };
  }
  return undefined;
}
