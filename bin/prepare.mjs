// Brings a fresh clone to the point where the product can run: dependencies installed as locked, Node 24 found.
// Plain JavaScript without dependencies, because it runs first and on Node 20.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.muster-stamp');
const lockFolder = join(root, '.muster-install');
const runningFile = join(root, '.muster-running');
const nodeMajorMin = 24;

/** One sentence for a person, and the exit code 2 that means "not started". */
function refuse(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

/** The stamp names the lock file and the platform, so a moved or updated clone is installed again. */
function wantedStamp() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  return `${hash.digest('hex')} ${process.platform} ${process.arch}`;
}

const installed = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wantedStamp();

/** Installs exactly what the lock file says, once, also when two starters arrive together. */
export async function prepare() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    refuse(
      `Muster needs Node 20 or newer to start (this is ${process.versions.node}); it brings its own Node 24 along.`,
    );
  }
  if (installed()) return;
  await withLock(lockFolder, 'Another start is installing the dependencies; waiting for it …', () => {
    if (installed()) return;
    const running = runningServer();
    if (running) {
      refuse(
        `A server of this clone is running (process ${running}); stop it before its dependencies are installed anew.`,
      );
    }
    install();
  }).catch((error) => {
    if (error.path !== lockFolder) throw error;
    refuse(`This clone cannot be installed into: ${error.message}. Make it writable, or install it elsewhere.`);
  });
}

function install() {
  process.stderr.write('Installing dependencies (first start, or the lock file changed) …\n');
  const began = Date.now();
  const npm = process.env.npm_execpath;
  const words = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const [command, args] = npm ? [process.execPath, [npm, ...words]] : ['npm', words];
  const env = { ...process.env };
  // npm hands its own settings down as npm_config_*; an omit set by the user must not leave us without tools.
  for (const name of ['NODE_ENV', 'npm_config_omit', 'npm_config_only', 'npm_config_production']) delete env[name];
  const run = spawnSync(command, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
    shell: !npm && process.platform === 'win32',
  });
  if (run.status !== 0) {
    const lines = `${run.stdout ?? ''}${run.stderr ?? ''}${run.error ? `${run.error.message}\n` : ''}`
      .trimEnd()
      .split('\n');
    process.stderr.write(`${lines.slice(-20).join('\n')}\n\n`);
    refuse(
      [
        'Installing the dependencies failed. What helps, in this order:',
        '  1. Is there a network? A first start fetches packages once; later starts need none.',
        '  2. Behind a proxy or a registry of your own: set it with `npm config set registry …`, `npm config set proxy …`.',
        '  3. Remove node_modules and start again; a read-only folder cannot be installed into.',
      ].join('\n'),
    );
  }
  const staged = `${stampFile}.${process.pid}`;
  writeFileSync(staged, wantedStamp());
  renameSync(staged, stampFile);
  process.stderr.write(`Installed in ${((Date.now() - began) / 1000).toFixed(1)} s.\n`);
}

/** A folder is the lock, because making one is atomic everywhere; the second starter says `waiting` and waits for the first. */
export async function withLock(folder, waiting, work) {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 250));
  for (let said = false; ; said = true) {
    try {
      mkdirSync(folder);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!ownerAlive(folder)) rmSync(folder, { recursive: true, force: true });
    else if (!said) process.stderr.write(`${waiting}\n`);
    await pause();
  }
  writeFileSync(join(folder, 'pid'), String(process.pid));
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ownerAlive(folder) {
  try {
    return alive(Number(readFileSync(join(folder, 'pid'), 'utf8')));
  } catch {
    // The folder is there before the file in it: give its maker a moment.
    try {
      return Date.now() - statSync(folder).mtimeMs < 5_000;
    } catch {
      return false;
    }
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function runningServer() {
  try {
    const pid = Number(readFileSync(runningFile, 'utf8'));
    return alive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Node ≥ 24: this process's own, else the one that came with the dependencies. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return process.execPath;
  const name = { linux: `node-linux-${process.arch}`, win32: `node-win-${process.arch}` }[process.platform];
  try {
    if (!name) throw new Error('no binary for this platform');
    const manifest = createRequire(join(root, 'package.json')).resolve(`${name}/package.json`);
    const binary = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(binary)) return binary;
    throw new Error('its file is missing');
  } catch {
    return refuse(
      `Muster runs on Node ${nodeMajorMin} or newer, this is ${process.versions.node}, and no Node came with the dependencies for ` +
        `${process.platform} ${process.arch}. Install Node ${nodeMajorMin} (nodejs.org), or run the container image.`,
    );
  }
}

/** The environment of everything we start: the chosen Node leads PATH, and file work has enough threads (log.md §4). */
export function environment(node) {
  return {
    ...process.env,
    UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
    // With an arena for each of those threads the allocator keeps a hundred MiB that nobody uses.
    MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
    // Stripped and compiled sources survive a restart; Node checks them against the files.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(modules, '.cache', 'compile'),
    PATH: [dirname(node), join(modules, '.bin'), process.env.PATH].filter(Boolean).join(delimiter),
  };
}

/** Runs one command on the chosen Node and resolves with its exit code; signals are handed on. */
export function run(node, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(node, args, { cwd: root, env: environment(node), stdio: 'inherit', ...options });
    const hand = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    // A terminal sends Ctrl-C to the whole group; handing it on once more would count as the second, hard signal.
    for (const signal of signals)
      process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : hand(signal)));
    child.on('error', (error) => refuse(`Could not start ${node}: ${error.message}`));
    child.on('exit', (code, signal) => resolve(code ?? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1)));
  });
}

/** Runs one command on the chosen Node to its end, and gives what it said. */
export function capture(node, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(node, args, { env: environment(node), stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    child.on('error', (error) => resolve({ code: 1, said: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, said }));
  });
}

/** How a server runs: more room for the young only waits to be scavenged, and costs a third of the resident memory. */
export const serverFlags = ['--max-semi-space-size=16'];

export { runningFile };
