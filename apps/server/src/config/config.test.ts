import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildsDefaults } from '../builds/limits.ts';
import { ConfigError, createSecrets, readCommandLine, readConfig, runConfigCommand } from './index.ts';
import { allSettings, schema } from './schema.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'muster-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const read = (env: Record<string, string> = {}, flags: Record<string, string> = {}) =>
  readConfig(env, new Map(Object.entries(flags)), cwd);
const problemsOf = (env: Record<string, string>) => {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

test('an empty environment gives the defaults, frozen', () => {
  const { config, warnings } = read();
  expect(config.base).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    dataDir: join(cwd, 'data'),
    basePath: '',
    extraPorts: [],
  });
  expect(warnings).toEqual([]);
  expect(Object.isFrozen(config) && Object.isFrozen(config.base)).toBe(true);
});

test('every default is a value its own kind takes and writes back', () => {
  for (const { setting } of allSettings) {
    if (setting.default === undefined) continue;
    const text = setting.kind.show(setting.default);
    expect(setting.kind.parse.safeParse(text), `${setting.name}=${text}`).toMatchObject(
      text === '' ? {} : { success: true, data: setting.default },
    );
  }
});

test('defaults of the builds are those of the room', () => {
  const defaults = Object.fromEntries(
    Object.entries(schema.builds).map(([key, setting]) => [key, setting.default ?? null]),
  );
  const { legacyOpenRegistration: _, ...room } = buildsDefaults;
  expect(defaults).toEqual(room);
});

test('sources: flag before environment before file before .env before default', () => {
  writeFileSync(join(cwd, 'port'), '5003\n');
  writeFileSync(join(cwd, '.env'), 'MUSTER_PORT=5004\nMUSTER_NODE_NAME=from-dotenv\n');
  expect(read().config.base).toMatchObject({ port: 5004, nodeName: 'from-dotenv' });
  expect(read({ MUSTER_PORT_FILE: 'port' }).config.base.port).toBe(5003);
  expect(read({ MUSTER_PORT_FILE: 'port', MUSTER_PORT: '5002' }).config.base.port).toBe(5002);
  const strongest = read({ MUSTER_PORT: '5002' }, { MUSTER_PORT: '5001' });
  expect(strongest.config.base.port).toBe(5001);
  expect(strongest.origins.get('MUSTER_PORT')).toEqual({ origin: 'flag', name: 'MUSTER_PORT' });
  expect(read({ PORT: '5005' }).origins.get('MUSTER_PORT')).toEqual({ origin: 'environment', name: 'PORT' });
});

test('durations and sizes take units', () => {
  const { config } = read({
    MUSTER_DB_STATEMENT_TIMEOUT_MS: '45s',
    MUSTER_BUILDS_SOURCE_BYTES_MAX: '64MiB',
    MUSTER_BUILDS_ARTIFACT_BYTES_MAX: '1GB',
    MUSTER_BUILDS_LEASE_TTL_MS: '20000',
  });
  expect(config.database.statementTimeoutMs).toBe(45_000);
  expect(config.builds).toMatchObject({ sourceBytesMax: 64 * 2 ** 20, artifactBytesMax: 1e9, leaseTtlMs: 20_000 });
});

test('all problems come at once, each with its name and what is allowed', () => {
  const problems = problemsOf({
    MUSTER_PORT: '70000',
    MUSTER_PUBLIC_URL: 'muster.example.com',
    MUSTER_BASE_PATH: 'muster/..',
    MUSTER_TRUST_PROXY: 'loopback,10.0.0/8',
    MUSTER_BUILDS_LEASE_TTL_MS: 'soon',
    MUSTER_RETENTION_AUDIT_DAYS: '0',
    MUSTER_METRICS: 'maybe',
    MUSTER_SECRET: '',
    MUSTER_API_KEY: 'short',
    MUSTER_TLS_CERT_FILE: '/a.pem',
    MUSTER_BUILDS_BASE_IMAGE_FILE: '/nowhere/at/all',
    MUSTER_PROT: '1',
    PGHOST: 'db',
  });
  const byName = Object.fromEntries(problems.map(({ name, detail }) => [name, detail]));
  expect(Object.keys(byName).sort()).toEqual([
    'MUSTER_API_KEY',
    'MUSTER_BASE_PATH',
    'MUSTER_BUILDS_BASE_IMAGE_FILE',
    'MUSTER_BUILDS_LEASE_TTL_MS',
    'MUSTER_METRICS',
    'MUSTER_PORT',
    'MUSTER_PROT',
    'MUSTER_PUBLIC_URL',
    'MUSTER_RETENTION_AUDIT_DAYS',
    'MUSTER_SECRET',
    'MUSTER_TLS_CERT_FILE',
    'MUSTER_TRUST_PROXY',
    'PGHOST',
  ]);
  expect(byName['MUSTER_PROT']).toContain('Did you mean MUSTER_PORT?');
  expect(byName['PGHOST']).toContain('PGDATABASE and PGUSER');
  expect(byName['MUSTER_TRUST_PROXY']).toContain('10.0.0/8');
  expect(byName['MUSTER_TLS_CERT_FILE']).toContain('MUSTER_TLS_KEY_FILE');
});

test('secrets are never printed, nor part of the config', () => {
  const env = {
    MUSTER_SECRET: 'c0ffee'.repeat(8),
    DATABASE_URL: 'postgresql://u:hunter2@db/muster',
    MUSTER_API_KEY: 'x'.repeat(8),
  };
  expect(JSON.stringify(problemsOf(env))).not.toContain('xxxxxxxx');
  const good = { ...env, MUSTER_API_KEY: 'abcdefgh'.repeat(4) };
  expect(JSON.stringify(read(good).config)).not.toMatch(/c0ffee|hunter2|abcdefgh/);
  const printed = runConfigCommand('print', { env: good, flags: new Map(), origin: true });
  expect(printed.text).not.toMatch(/c0ffee|hunter2|abcdefgh/);
  expect(printed.text).toContain('MUSTER_SECRET=(secret)\t# environment');
});

test('production refuses example secrets; short keys are warned about', () => {
  expect(problemsOf({ MUSTER_ENV: 'production', MUSTER_API_KEY: 'test-api-key-0123456789' })[0]?.detail).toContain(
    'well-known',
  );
  expect(read({ MUSTER_API_KEY: 'qwertzuiopasdfgh' }).warnings.join()).toContain('shorter than 32');
});

test('every legacy name maps to ours; ours wins and says so', () => {
  for (const { group, setting } of allSettings) {
    for (const old of setting.legacy ?? []) {
      const value =
        {
          MUSTER_DB_POOL_MAX: '33',
          MUSTER_DB_STATEMENT_TIMEOUT_MS: '15000',
          MUSTER_MIGRATE_ON_START: 'false',
          MUSTER_PUBLIC_URL: 'https://a.example',
          MUSTER_GALLERY_FLOIMG_URL: 'https://studio.example',
        }[setting.name] ?? 'v'.repeat(20).concat('wxyz0123456789');
      const { config, secrets, warnings } = read({ [old.name]: value });
      const found = group === 'secrets' ? Object.values(secrets) : Object.values(config[group as 'base']);
      expect(found.map(String).join(' '), old.name).toContain(value);
      expect(warnings.join()).toContain(`${old.name} (${old.of}) for ${setting.name}`);
    }
  }
  const both = read({ POOL_SIZE: '20', MUSTER_DB_POOL_MAX: '30' });
  expect([both.config.database.poolMax, both.warnings.join()]).toEqual([30, expect.stringContaining('differ')]);
  expect(read({ PHX_HOST: 'fleet.example', PHX_SERVER: 'true' }).config.base.publicUrl).toBe('https://fleet.example');
});

test('PG variables stand for a URL', () => {
  const { secrets } = read({ PGHOST: '/run/pg', PGDATABASE: 'm', PGUSER: 'u', PGPASSWORD: 'p@ss' });
  expect(secrets.databaseUrl).toBe('postgresql://u:p%40ss@localhost/m?host=%2Frun%2Fpg');
});

test('flags are settings; unknown ones name the nearest', () => {
  expect(
    readCommandLine(['config', 'print', '--origin', '--port', '5000', '--data=./x'], ['config'], ['--origin']),
  ).toMatchObject({
    command: ['config', 'print'],
    flags: new Map([
      ['MUSTER_PORT', '5000'],
      ['MUSTER_DATA_DIR', './x'],
    ]),
    switches: new Set(['--origin']),
    problems: [],
  });
  expect(readCommandLine(['--prot', '5'], [], []).problems).toEqual(['unknown flag --prot; did you mean --port?']);
  expect(readCommandLine(['serve'], ['config'], []).problems).toEqual(['unknown command serve; known: config']);
  expect(readCommandLine(['--secret', 'x'], [], []).problems[0]).toContain('unknown flag --secret');
});

test('the secret is made once, 0600, and keys differ by label', () => {
  const first = createSecrets({ dataDir: cwd });
  expect(statSync(join(cwd, 'secret')).mode & 0o777).toBe(0o600);
  const again = createSecrets({ dataDir: cwd });
  expect([first.fresh, again.fresh]).toEqual([true, false]);
  expect(again.derive('a')).toEqual(first.derive('a'));
  expect(again.derive('b')).not.toEqual(first.derive('a'));
  expect(readFileSync(join(cwd, 'secret'), 'utf8')).toHaveLength(44);
});

test('a box opens what it sealed, also after a rotation, and nowhere else', () => {
  const old = createSecrets({ master: 'o'.repeat(40), dataDir: cwd }).box('x');
  const next = createSecrets({ master: 'n'.repeat(40), previous: 'o'.repeat(40), dataDir: cwd }).box('x');
  const sealed = old.seal(Buffer.from('hello'), Buffer.from('place'));
  expect(next.open(sealed, Buffer.from('place')).toString()).toBe('hello');
  for (const open of [
    () => next.open(sealed, Buffer.from('elsewhere')),
    () => next.open(sealed.subarray(0, 20)),
    () => old.open(next.seal(Buffer.from('x'))),
  ]) {
    expect(open).toThrow(expect.objectContaining({ code: 'unavailable', reason: 'secrets_unreadable' }));
  }
});
