import { isAbsolute, resolve } from 'node:path';
import { nearest } from '#kernel/base';
import { exampleSecrets, foreignNames, ignoredNames } from './names.ts';
import { type AnySetting, allSettings, type Config, type GivenSecrets, schema } from './schema.ts';
import { type Found, type Inputs, lookUp, lookUpLegacy, type Origin, type Problem, readDotEnv } from './sources.ts';

export type Read = {
  config: Config;
  secrets: GivenSecrets;
  origins: ReadonlyMap<string, { origin: Origin; name: string }>;
  /** Sentences for the operator, said once at start. */
  warnings: readonly string[];
};

/** Everything wrong with the settings, at once. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(
      [
        `${problems.length === 1 ? 'One setting is' : `${problems.length} settings are`} not right:`,
        ...problems.map(
          ({ name, given, detail }) => `  ${name}${given === undefined ? '' : ` = ${given}`}\n      ${detail}`,
        ),
      ].join('\n'),
    );
    this.problems = problems;
  }
}

/** Reads, shapes and checks all settings. `env` is what the process was given; nothing else of the server looks at it. */
export function readConfig(
  env: Inputs['env'],
  flags: ReadonlyMap<string, string> = new Map(),
  cwd: string = process.cwd(),
): Read {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const dotEnv = readDotEnv(cwd);
  if (dotEnv.problem) problems.push(dotEnv.problem);
  const inputs: Inputs = { env, flags, dotEnv: dotEnv.values, cwd };

  const values = new Map<string, unknown>();
  const origins = new Map<string, { origin: Origin; name: string }>();
  const legacy: string[] = [];
  for (const { setting } of allSettings) {
    const found = choose(setting, inputs, problems, warnings, legacy);
    origins.set(
      setting.name,
      found ? { origin: found.origin, name: found.name } : { origin: 'default', name: setting.name },
    );
    values.set(setting.name, found ? parse(setting, found, problems) : setting.default);
  }
  warnings.push(...ignoredInUse(env));
  if (legacy.length > 0) warnings.push(`legacy name in use: ${legacy.join(', ')}`);
  applyPgVariables(inputs, values, origins, problems);
  refuseUnknown(inputs, problems);
  crossCheck(values, origins, problems, warnings);
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...shape(values, cwd), origins, warnings };
}

function choose(
  setting: AnySetting,
  inputs: Inputs,
  problems: Problem[],
  warnings: string[],
  legacy: string[],
): Found | undefined {
  const own = lookUp(setting, inputs, problems);
  const old = lookUpLegacy(setting, inputs);
  if (old) {
    if (!own) legacy.push(`${old.found.name} (${old.of}) for ${setting.name}`);
    else if (own.value !== old.found.value)
      warnings.push(`${setting.name} and its legacy name ${old.found.name} differ; ${setting.name} is used`);
  }
  return own ?? old?.found;
}

function parse(setting: AnySetting, found: Found, problems: Problem[]): unknown {
  if (found.value.trim() === '' && !setting.kind.parse.safeParse('').success) {
    problems.push({
      name: found.name,
      given: '(empty)',
      detail: `It takes ${setting.kind.allowed}. Remove it to use the default.`,
    });
    return setting.default;
  }
  const result = setting.kind.parse.safeParse(found.value);
  if (result.success) return result.data;
  const detail = result.error.issues[0]?.message ?? setting.kind.allowed;
  problems.push({
    name: found.name,
    given: setting.secret ? '(secret)' : found.value.slice(0, 200),
    detail: `It takes ${detail.replace(/^"(.*)" is not /, '(but "$1" is not one) ')}.`,
  });
  return setting.default;
}

const pgNames = ['PGHOST', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGDATABASE'] as const;

/** `PG*` variables stand for a URL when there is none; half of them are a mistake, never a silent fallback. */
function applyPgVariables(
  inputs: Inputs,
  values: Map<string, unknown>,
  origins: Map<string, { origin: Origin; name: string }>,
  problems: Problem[],
): void {
  if (values.get('DATABASE_URL') !== undefined) return;
  const [host, port, user, password, database] = pgNames.map((name) => inputs.env[name] ?? inputs.dotEnv[name]);
  if (host === undefined) return;
  if (database === undefined || user === undefined) {
    const missing = [
      database === undefined ? 'PGDATABASE' : undefined,
      user === undefined ? 'PGUSER' : undefined,
    ].filter((name) => name !== undefined);
    problems.push({
      name: 'PGHOST',
      given: host,
      detail: `${missing.join(' and ')} must be set with it, or set DATABASE_URL, or remove PGHOST to use the embedded Postgres.`,
    });
    return;
  }
  const url = new URL('postgresql://localhost');
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password ?? '');
  url.pathname = `/${encodeURIComponent(database)}`;
  if (isAbsolute(host)) url.searchParams.set('host', host);
  else url.hostname = host;
  if (port !== undefined) url.port = port;
  values.set('DATABASE_URL', url.href);
  origins.set('DATABASE_URL', { origin: 'environment', name: 'PGHOST' });
}

function refuseUnknown(inputs: Inputs, problems: Problem[]): void {
  const known = new Set(allSettings.flatMap(({ setting }) => [setting.name, ...(setting.aliases ?? [])]));
  const layers: [Inputs['env'], string][] = [
    [inputs.env, ''],
    [inputs.dotEnv, ' (in .env)'],
  ];
  for (const [layer, where] of layers) {
    for (const name of Object.keys(layer)) {
      if (!name.startsWith('MUSTER_') || known.has(name) || name in foreignNames) continue;
      if (name.endsWith('_FILE') && known.has(name.slice(0, -'_FILE'.length))) continue;
      const near = nearest(name, known);
      problems.push({
        name: `${name}${where}`,
        detail: near
          ? `There is no such setting. Did you mean ${near}?`
          : 'There is no such setting. All of them are in docs/operate/config.md.',
      });
    }
  }
}

/** What two settings say together. */
function crossCheck(
  values: Map<string, unknown>,
  origins: Map<string, { origin: Origin }>,
  problems: Problem[],
  warnings: string[],
): void {
  const together = (names: readonly string[], why: string): void => {
    const set = names.filter((name) => values.get(name) !== undefined);
    if (set.length > 0 && set.length < names.length) {
      problems.push({
        name: set.join(', '),
        detail: `${why}: ${names.filter((name) => !set.includes(name)).join(', ')} must be set too.`,
      });
    }
  };
  together(['MUSTER_TLS_CERT_FILE', 'MUSTER_TLS_KEY_FILE'], 'A certificate needs its key');
  together(['MUSTER_SETUP_EMAIL', 'MUSTER_SETUP_PASSWORD'], 'The first administrator needs an email and a password');
  together(
    ['MUSTER_BLOBS_S3_BUCKET', 'MUSTER_BLOBS_S3_ACCESS_KEY_ID', 'MUSTER_BLOBS_S3_SECRET_ACCESS_KEY'],
    'Storing in S3 needs the whole group',
  );
  if (values.get('MUSTER_METRICS') === 'token' && values.get('MUSTER_METRICS_TOKEN') === undefined) {
    problems.push({ name: 'MUSTER_METRICS', given: 'token', detail: 'MUSTER_METRICS_TOKEN must be set too.' });
  }
  const host = values.get('MUSTER_HOST');
  if (values.get('MUSTER_STREAMS_ANONYMOUS') === 'full' && !(typeof host === 'string' && listensOnLoopback(host))) {
    problems.push({
      name: 'MUSTER_STREAMS_ANONYMOUS',
      given: 'full',
      detail:
        'Everybody who reaches this address could write and delete streams; set MUSTER_HOST to 127.0.0.1, or leave it off.',
    });
  }
  const without = (name: string, needed: string): void => {
    if (origins.get(name)?.origin !== 'default' && values.get(needed) === undefined)
      warnings.push(`${name} has no effect without ${needed}`);
  };
  for (const name of [
    'MUSTER_BLOBS_S3_PREFIX',
    'MUSTER_BLOBS_S3_ENDPOINT',
    'MUSTER_BLOBS_S3_REGION',
    'MUSTER_BLOBS_S3_PATH_STYLE',
  ])
    without(name, 'MUSTER_BLOBS_S3_BUCKET');
  without('DATABASE_SSL', 'DATABASE_URL');
  if (values.get('DATABASE_URL') !== undefined && origins.get('MUSTER_POSTGRES_USER')?.origin !== 'default')
    warnings.push('MUSTER_POSTGRES_USER has no effect with DATABASE_URL');
  checkSecrets(values, problems, warnings);
}

const listensOnLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

function checkSecrets(values: Map<string, unknown>, problems: Problem[], warnings: string[]): void {
  for (const { group, setting } of allSettings) {
    const value = values.get(setting.name);
    if (group !== 'secrets' || typeof value !== 'string' || setting.name === 'DATABASE_URL') continue;
    const folded = value.toLowerCase();
    if (
      values.get('MUSTER_ENV') === 'production' &&
      (exampleSecrets.some((example) => folded.startsWith(example)) || new Set(folded).size < 4)
    ) {
      problems.push({
        name: setting.name,
        given: '(secret)',
        detail:
          'This is a well-known example value; production needs one of its own, such as the output of: openssl rand -base64 48',
      });
    } else if (setting.name.endsWith('_API_KEY') && value.length < 32) {
      warnings.push(`${setting.name} is shorter than 32 characters; a longer one is harder to guess`);
    }
  }
  if (values.get('MUSTER_SECRET') !== undefined && values.get('MUSTER_SECRET') === values.get('MUSTER_SECRET_PREVIOUS'))
    warnings.push('MUSTER_SECRET_PREVIOUS equals MUSTER_SECRET and has no effect');
}

function shape(values: ReadonlyMap<string, unknown>, cwd: string): { config: Config; secrets: GivenSecrets } {
  const out: Record<string, Record<string, unknown>> = {
    secrets: {},
    ...Object.fromEntries(Object.keys(schema).map((group) => [group, {}])),
  };
  for (const { group, key, setting } of allSettings) {
    const value = values.get(setting.name);
    const room = out[group];
    if (room)
      room[key] =
        setting.kind.type === 'path' && setting.kind.allowed === 'a path' && typeof value === 'string'
          ? resolve(cwd, value)
          : value;
  }
  const { secrets, ...config } = out;
  for (const room of Object.values(config)) Object.freeze(room);
  // Built key by key from the very schema these types are derived from.
  return { config: Object.freeze(config) as Config, secrets: Object.freeze(secrets) as GivenSecrets }; // oxlint-disable-line typescript/no-unsafe-type-assertion
}

const ignoredInUse = (env: Inputs['env']): string[] =>
  Object.entries(ignoredNames).flatMap(([name, why]) =>
    env[name] === undefined ? [] : [`${name} is ignored: ${why}`],
  );
