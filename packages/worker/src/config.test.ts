import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ConfigError, type Flags, readConfig } from './config.ts';
import { workerVersion } from './version.ts';

const problemsOf = (flags: Flags, toml?: string): string => {
  try {
    readConfig(flags, toml, {});
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('nothing was wrong with it');
};

const toml = `
url = "http://file"
platforms = ["linux", "android"]
seats = 2
grace = "3s"
idle-exit = "10m"
[labels]
arch = "arm64"
disk = "big"
[task.npm]
command = "npm ci && npm test"
artifacts = ["dist/*.tgz"]
max-run = "30m"
[task.npm.env]
JAVA_HOME = "/opt/java"
[task.lint]
command = ["npm", "run", "lint"]
grace = "1s"
`;

describe('reading', () => {
  test('the file', () => {
    const config = readConfig({}, toml, {});
    expect(config).toMatchObject({
      url: 'http://file',
      platforms: ['linux', 'android'],
      seats: 2,
      idleExitMs: 600_000,
      labels: { arch: 'arm64', disk: 'big' },
    });
    expect(config.runner.tasks.get('npm')).toEqual({
      command: 'npm ci && npm test',
      artifacts: ['dist/*.tgz'],
      env: { JAVA_HOME: '/opt/java' },
      maxRunMs: 1_800_000,
      graceMs: 3_000,
    });
    expect(config.runner.tasks.get('lint')).toEqual({
      command: ['npm', 'run', 'lint'],
      artifacts: [],
      env: {},
      maxRunMs: undefined,
      graceMs: 1_000,
    });
    expect(config.runner.defaultTask).toBeUndefined();
  });

  test('flags win, labels are joined', () => {
    const flags: Flags = {
      url: 'https://flag',
      label: ['arch=x64', 'note=a=b'],
      platform: ['ios,macos'],
      command: 'make',
      artifact: ['out'],
      seats: '3',
    };
    const config = readConfig(flags, toml, { MUSTER_URL: 'http://env', MUSTER_WORKER_TOKEN: 'wkt_env' });
    expect(config).toMatchObject({
      url: 'https://flag',
      token: 'wkt_env',
      seats: 3,
      platforms: ['ios', 'macos'],
      labels: { arch: 'x64', disk: 'big', note: 'a=b' },
    });
    expect(config.runner.defaultTask).toBe('default');
    expect(config.runner.tasks.get('default')).toMatchObject({ command: 'make', artifacts: ['out'], graceMs: 3_000 });
  });

  test('defaults', () => {
    const config = readConfig({ url: 'http://x', command: 'make' }, undefined, {});
    expect(config).toMatchObject({
      seats: 1,
      once: false,
      transport: 'auto',
      logFormat: 'text',
      idleExitMs: undefined,
    });
    expect(config.runner).toMatchObject({ defaultTask: 'default', allowBuildCommand: false });
    expect(readConfig({ url: 'http://x' }, '[task.only]\ncommand = "make"', {}).runner.defaultTask).toBe('only');
  });
});

test('every problem is told at once', () => {
  const problems = problemsOf(
    { url: 'ftp://x', seats: '0', platform: ['beos'], label: ['nonsense'], maxRun: 'soon', transport: 'pigeon' },
    'seets = 3\nlabels = { a = 1 }\nname = 4\n[task."a b"]\nartifact = ["x"]\n',
  );
  for (const part of [
    '--url must begin with',
    '--seats',
    '"beos"',
    '"nonsense"',
    'max-run: "soon"',
    '"pigeon"',
    'unknown key "seets"; did you mean seats?',
    'labels must be a table of texts',
    'name must be a text',
    '[task.a b]',
    'command is missing',
    'did you mean artifacts?',
  ]) {
    expect(problems).toContain(part);
  }
});

test('nothing to run, no address, a broken file', () => {
  expect(problemsOf({})).toContain('--url is missing');
  expect(problemsOf({})).toContain('nothing to run');
  expect(problemsOf({ url: 'http://x', command: 'x' }, 'a = = b')).toContain('worker.toml');
  expect(problemsOf({ url: 'http://x' }, 'default-task = "x"\n[task.a]\ncommand = "c"')).toContain('no [task.x]');
});

test('the version it tells is the package’s', async () => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  expect((JSON.parse(text) as { version: string }).version).toBe(workerVersion);
});
