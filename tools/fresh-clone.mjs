// What a newcomer meets: a clone of HEAD in an empty folder, an empty home, the Node and npm of this machine, nothing else.
// Starts it, waits for /ready, stops it, starts it again (warm), and with --test runs its whole test command.
//   node tools/fresh-clone.mjs [--user nobody] [--ignore-scripts] [--production] [--test]
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const has = (word) => process.argv.includes(word);
const userName = has('--user') ? process.argv[process.argv.indexOf('--user') + 1] : undefined;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const base = mkdtempSync(join(tmpdir(), 'muster fresh clone '));
const clone = join(base, 'a folder with spaces');
const home = join(base, 'home');
const id = (flag) => Number(execFileSync('id', [flag, userName], { encoding: 'utf8' }));
const identity = userName ? { uid: id('-u'), gid: id('-g') } : {};

mkdirSync(home);
execFileSync('git', ['clone', '--quiet', root, clone]);
if (userName) {
  chmodSync(base, 0o755);
  execFileSync('chown', ['-R', `${identity.uid}:${identity.gid}`, base]);
  chownSync(base, identity.uid, identity.gid);
}
// Only what a login shell has; none of the settings of the one who runs this.
const env = {
  HOME: home,
  PATH: process.env.PATH.split(':')
    .filter((entry) => !entry.includes('node_modules'))
    .join(':'),
  LANG: 'C.UTF-8',
  ...(has('--ignore-scripts') ? { npm_config_ignore_scripts: 'true' } : {}),
  ...(has('--production') ? { NODE_ENV: 'production' } : {}),
  ...(process.env.CI ? { CI: 'true' } : {}),
};

let failed = false;
try {
  const port = await freePort();
  for (const kind of ['first start', 'warm start']) {
    const tookMs = await startOnce(port);
    process.stdout.write(`${kind}: ready after ${(tookMs / 1000).toFixed(1)} s\n`);
  }
  if (has('--test')) {
    const began = Date.now();
    await finished(npm(['test'], 'inherit'));
    process.stdout.write(`npm test: ${((Date.now() - began) / 1000).toFixed(0)} s\n`);
  }
} catch (error) {
  failed = true;
  process.stderr.write(`${error.message}\n`);
} finally {
  rmSync(base, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

function npm(args, stdio) {
  return spawn('npm', args, { cwd: clone, env, stdio, detached: true, ...identity });
}

async function startOnce(port) {
  const began = Date.now();
  const child = npm(['start', '--', '--port', String(port)], ['ignore', 'pipe', 'pipe']);
  let output = '';
  for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (chunk) => (output = (output + chunk).slice(-8000)));
  let over = false;
  child.on('exit', () => (over = true));
  for (;;) {
    if (over) throw new Error(`npm start ended:\n${output}`);
    if (Date.now() - began > 300_000) throw new Error(`not ready after 300 s:\n${output}`);
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    if (answer?.status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const tookMs = Date.now() - began;
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await finished(child).catch(() => undefined);
  return tookMs;
}

function finished(child) {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.on('exit', (code, signal) => (code === 0 ? resolve() : reject(new Error(`ended with ${code ?? signal}`))));
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
