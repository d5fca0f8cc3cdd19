// A real server and a real worker build the npm project beside this file; then a build that would sleep for ten minutes
// is cancelled. Run it after `npm ci`: node examples/build-npm-project.ts [port]
import { equal, ok, throws } from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, openAsBlob, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@muster/client';

const url = `http://127.0.0.1:${process.argv[2] ?? '4321'}`;
const root = join(import.meta.dirname, '..');
const dir = join(tmpdir(), `muster-example-${process.pid}`);
mkdirSync(dir);
await using cleanup = new AsyncDisposableStack();
cleanup.defer(() => rmSync(dir, { recursive: true, force: true }));
const start = (script: string, ...args: string[]): void => {
  const child = spawn(process.execPath, [join(root, script), ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  cleanup.defer(async () => void (child.kill('SIGTERM') && (await once(child, 'exit'))));
};

// The server, and a worker that joins with the key which the server's first start made.
start('apps/server/src/main.ts', `--data=${dir}/data`, `--port=${new URL(url).port}`);
while (!(await fetch(`${url}/ready`).catch(() => undefined))?.ok) await new Promise((wait) => setTimeout(wait, 100));
const key = readFileSync(`${dir}/data/first-key`, 'utf8').trim();
const work = [`--url=${url}`, `--join=${key}`, `--dir=${dir}/worker`, '--artifact=dist/*.tgz', '--allow-build-command'];
start('packages/worker/bin/muster-worker.mjs', 'start', ...work, '--command=npm test && npm run build');

// Submit the folder, follow the log up to a line that is waited for, fetch what was made, run that.
const { builds } = new Client({ url, credential: key });
const follow = async (id: string, until: RegExp): Promise<string | undefined> => {
  for await (const { records } of builds.log(id)) {
    for (const { text } of records) console.log(`  | ${text}`);
    const last = records.find(({ text }) => until.test(text));
    if (last) return until.exec(last.text)?.[1];
  }
  return undefined;
};
execFileSync('tar', ['-czf', `${dir}/source.tgz`, '-C', `${root}/examples/build-npm-project`, '.']);
const { id } = await builds.submit({ name: 'hello' }, { source: await openAsBlob(`${dir}/source.tgz`) });
equal(await follow(id, /^Build (completed|failed)/), 'completed');
const { name = '', sha256 } = (await builds.finished(id)).artifacts[0] ?? {};
await builds.download(id, name, (chunk) => writeFileSync(join(dir, name), chunk, { flag: 'a' }));
equal(hash('sha256', readFileSync(join(dir, name))), sha256);
execFileSync('tar', ['-xzf', join(dir, name), '-C', dir]);
equal(execFileSync(process.execPath, [`${dir}/package/bin/hello-build.mjs`, 'you']).toString(), 'Hello, you!\n');

// Cancel: the state is there within two seconds, and nothing is left of the process group.
const sleeper = { command: 'echo "group $$"; exec sleep 600', expects: 'nothing' } as const;
const { id: second } = await builds.submit(sleeper, { source: { fromBuild: id } });
const group = Number(await follow(second, /^group (\d+)$/));
const asked = performance.now();
await builds.cancel(second);
equal((await builds.finished(second)).state, 'cancelled');
ok(performance.now() - asked < 2_000, 'it took longer than two seconds');
throws(() => process.kill(-group, 0), /ESRCH/);
console.log(`Built, checked and ran ${name}; cancelled in ${Math.round(performance.now() - asked)} ms.`);
