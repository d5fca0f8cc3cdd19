// Builds the console when what it is made of has changed; `/` of the server tells what is wrong when that fails.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { capture, environment, root, withLock } from './prepare.mjs';

const app = join(root, 'apps', 'dashboard');
const dist = join(app, 'dist');
const failedFile = join(dist, 'failed.txt');
/** All that ends up in the build; the lock file stands for what comes from elsewhere. */
const sources = [
  join(app, 'index.html'),
  join(app, 'vite.config.ts'),
  join(app, 'build'),
  join(app, 'src'),
  join(root, 'packages', 'client', 'src'),
  join(root, 'packages', 'protocol', 'src'),
  join(root, 'package-lock.json'),
];

function filesOf(path) {
  if (/\.[a-z]+$/.test(path)) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesOf(join(path, entry.name)) : [join(path, entry.name)],
  );
}

function wantedStamp() {
  const hash = createHash('sha256');
  for (const path of sources.flatMap(filesOf).sort((a, b) => (a < b ? -1 : 1))) {
    if (/\.test\.tsx?$/.test(path)) continue;
    hash
      .update(`${relative(root, path).replaceAll(sep, '/')}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function builtStamp() {
  try {
    return JSON.parse(readFileSync(join(dist, 'current.json'), 'utf8')).stamp;
  } catch {
    return undefined;
  }
}

/** Resolves to whether what is served is what the sources say. Never throws: a server without a console is still a server. */
export async function prepareConsole(node) {
  // An image carries the built files alone.
  if (!existsSync(join(app, 'src'))) return builtStamp() !== undefined;
  try {
    const stamp = wantedStamp();
    if (builtStamp() === stamp) return true;
    mkdirSync(dist, { recursive: true });
    return await withLock(join(dist, '.building'), 'Another start is building the console; waiting for it …', () =>
      builtStamp() === stamp ? true : buildNow(node, stamp),
    );
  } catch (error) {
    return failed(error.stack ?? String(error));
  }
}

async function buildNow(node, stamp) {
  process.stderr.write('Building the console (first start, or its sources changed) …\n');
  const began = Date.now();
  // Whatever is around it (a test run): what is served is what users get.
  const env = { ...environment(node), NODE_ENV: 'production' };
  const { code, said } = await capture(node, [join(app, 'build', 'build.ts'), dist, stamp], { cwd: app, env });
  if (code !== 0) return failed(said);
  writeFileSync(failedFile, '');
  const notes = said.trim();
  if (notes !== '') process.stderr.write(`${notes}\n`);
  process.stderr.write(`Built in ${((Date.now() - began) / 1000).toFixed(1)} s.\n`);
  return true;
}

function failed(said) {
  const lines = said.trim().split('\n').slice(-20).join('\n');
  process.stderr.write(
    `${lines}\n\nThe console could not be built; the server starts without it, or with the one of before. What helps:\n` +
      '  1. The lines above name the file, if it is one of yours.\n' +
      '  2. Remove node_modules and start again, if they name a package.\n',
  );
  try {
    mkdirSync(dist, { recursive: true });
    writeFileSync(failedFile, `${lines}\n`);
  } catch {
    // A read-only clone; the lines above were said all the same.
  }
  return false;
}
