import { existsSync, openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Client } from '@muster/client';
import { MusterError } from '@muster/protocol/errors';
import type { Command } from 'commander';
import { populate } from '../demo/gallery.ts';
import { Processes } from '../demo/processes.ts';
import { trickle } from '../demo/trickle.ts';
import { sure } from '../shell/ask.ts';
import { type Context, installationRoot, version } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';
import { readFirstKey } from '../shell/profile.ts';
import { span } from '../shell/words.ts';
import type { Wire } from './builds.ts';

const dataDirDefault = join(installationRoot, 'data-demo');
/** What the demo's worker runs: the example's own test and build, and two switches that make a build slow or bad. */
const command =
  'sleep "${DEMO_SLOW:-1}" && { [ -z "$DEMO_FAIL" ] || { echo "1 test failed: half done"; exit 1; }; } && npm test && npm run build';

export function addDemo(program: Command, wire: Wire): void {
  const demo = program
    .command('demo')
    .description('a server, a worker with a trickle of builds, and a gallery full of bots, all real, in ./data-demo');

  demo
    .command('run', { isDefault: true })
    .description('run it until Ctrl-C')
    .option('--every <time>', 'time between builds', span, 12_000)
    .option('--port <port>', 'where the demo server listens', '4000')
    .option('--dir <folder>', 'where it keeps its data', dataDirDefault)
    .addHelpText('after', '\nExample:\n  muster demo run --every 5s --port 4100')
    .action(wire(run));

  demo
    .command('wipe')
    .description('remove everything the demo made')
    .option('--dir <folder>', 'where it keeps its data', dataDirDefault)
    .addHelpText('after', '\nExample:\n  muster demo wipe --yes')
    .action(
      wire(async (context, options: { dir: string }) => {
        const dataDir = resolve(options.dir);
        refuseOther(dataDir);
        await sure(context, `Remove ${dataDir}?`);
        await rm(dataDir, { recursive: true, force: true });
        context.output.result({ removed: true }, () => ['The demo is gone.']);
      }),
    );
}

/** What has no secret of an installation was not made by a demo; a wrong `--dir` must not cost anybody a folder. */
function refuseOther(dataDir: string): void {
  if (!existsSync(dataDir) || existsSync(join(dataDir, 'secret'))) return;
  throw new MusterError('invalid', {
    reason: 'not_a_demo',
    detail: `${dataDir} does not look like the data of a demo; remove it by hand if you mean it.`,
  });
}

async function run(context: Context, options: { every: number; port: string; dir: string }): Promise<void> {
  const dataDir = resolve(options.dir);
  const { output, signal } = context;
  const url = `http://127.0.0.1:${options.port}`;
  await using processes = new Processes();
  processes.start('server', 'parent-fd', [join(installationRoot, 'apps', 'server', 'src', 'main.ts')], {
    MUSTER_DATA_DIR: dataDir,
    MUSTER_PORT: options.port,
    MUSTER_DEMO: 'true',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn',
  });
  output.note(`Starting a server in ${dataDir} …`);
  await Promise.race([ready(url, signal), processes.ended.then((name) => stopped(name, dataDir))]);
  const key = readFirstKey(dataDir);
  if (!key)
    throw new MusterError('notFound', {
      reason: 'no_first_key',
      detail: `The server left no key in ${dataDir}. Remove the folder (muster demo wipe) and start again.`,
    });
  processes.start(
    'worker',
    'guard',
    [
      join(installationRoot, 'packages', 'worker', 'bin', 'muster-worker.mjs'),
      'start',
      `--url=${url}`,
      `--join=${key}`,
      '--name=demo-worker',
      '--platform=linux',
      '--seats=2',
      `--dir=${join(dataDir, 'worker')}`,
      `--command=${command}`,
      '--artifact=dist/*.tgz',
    ],
    {},
  );
  output.note(
    [
      `Muster ${version} demo at ${url} (API reference: ${url}/docs)`,
      `  see it move:   muster --server ${url} --key "$(cat ${join(dataDir, 'first-key')})" status`,
      '  stop it:       Ctrl-C, then `muster demo wipe` removes its data',
    ].join('\n'),
  );
  const { packSource } = await import('../source/pack.ts');
  await using packed = await packSource(join(installationRoot, 'examples', 'build-npm-project'));
  const client = new Client({ url, credential: key, userAgent: `muster-demo/${version}` });
  // Ctrl-C is how a demo ends, also in the middle of a call.
  const unlessEnded = (error: unknown): void => {
    if (!signal.aborted) throw error;
  };
  await Promise.race([
    Promise.all([
      trickle(client, await openAsBlob(packed.file), output, options.every, signal),
      populate(client, url, output, signal),
    ]).catch(unlessEnded),
    processes.ended.then((name) => stopped(name, dataDir)),
  ]);
  output.note('Stopping …');
}

function stopped(name: string, dataDir: string): never {
  throw new Ended(
    exitCodes.runFailed,
    `The demo's ${name} ended; its last lines above say why.${existsSync(dataDir) ? '' : ' Nothing was kept.'}`,
  );
}

async function ready(url: string, signal: AbortSignal): Promise<void> {
  const client = new Client({ url });
  for (let n = 0; n < 600; n++) {
    if (signal.aborted) throw signal.reason;
    const answer = await client.connection.send('GET', '/ready', { accept: [503], signal }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new MusterError('unavailable', {
    reason: 'not_ready',
    detail: 'The demo server was not ready within a minute.',
  });
}
