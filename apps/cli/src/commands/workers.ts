import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { everyItem } from '@muster/client';
import type { Worker, WorkerState } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { type Command, Option } from 'commander';
import { sure } from '../shell/ask.ts';
import { type Context, installationRoot } from '../shell/context.ts';
import { Ended } from '../shell/exit-codes.ts';
import { ago } from '../shell/output.ts';
import { pair, whole } from '../shell/words.ts';
import type { Wire } from './builds.ts';

type AddOptions = { platform: Worker['platforms']; label?: Record<string, string>; seats: number };
const workerStates: readonly WorkerState[] = ['online', 'busy', 'draining', 'offline'];

export function addWorkers(program: Command, wire: Wire): void {
  const workers = program.command('workers').description('the machines that pull builds');

  workers
    .command('list')
    .alias('ls')
    .description('who is there, and what each is doing')
    .addOption(new Option('--state <state>', 'only those in this state').choices(workerStates))
    .addHelpText('after', '\nExample:\n  muster workers list --state online')
    .action(
      wire(async (context, { state }: { state?: WorkerState }) => {
        const all = await everyItem((page) => context.client.workers.list(page));
        const items = all.filter((worker) => state === undefined || worker.state === state);
        context.output.list<Worker>(
          items,
          [
            ['ID', (worker) => worker.id],
            ['STATE', (worker) => context.output.state(worker.state)],
            ['NAME', (worker) => worker.name],
            ['SEATS', (worker) => `${worker.seats - worker.seatsFree}/${worker.seats}`],
            ['PLATFORMS', (worker) => worker.platforms.join(',')],
            ['LABELS', (worker) => labelsOf(worker)],
            ['SEEN', (worker) => ago(worker.lastSeenAt)],
            ['HOLDS', (worker) => worker.held.map((held) => held.buildId).join(' ') || (worker.drainReason ?? '')],
          ],
          all.length > 0
            ? `None of the ${all.length} workers is ${state}.`
            : 'No workers yet. Start one here with: muster worker start --command "npm ci && npm run build"',
        );
      }),
    );

  workers
    .command('show')
    .description('one worker')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster workers show wrk_…')
    .action(wire(async (context, id: string) => show(context, await context.client.workers.get(id))));

  workers
    .command('add')
    .description('register a worker and print its token, shown this once')
    .argument('<name>')
    .addOption(
      new Option('--platform <platform...>', 'what it can build')
        .choices(['ios', 'android', 'linux', 'macos', 'any'])
        .default(['any']),
    )
    .option('--label <k=v>', 'what builds may ask for (repeatable)', pair)
    .option('--seats <n>', 'builds at a time', whole, 1)
    .addHelpText('after', '\nExample:\n  muster workers add mac-1 --platform ios macos --label arch=arm64 --seats 2')
    .action(
      wire(async (context, name: string, { platform, label, seats }: AddOptions) => {
        const labels = label === undefined ? {} : { labels: label };
        const made = await context.client.workers.register({ name, platforms: platform, seats, ...labels });
        context.output.result(made, () => [
          `${made.worker.id} registered. Its token is shown this once:`,
          `  muster-worker start --url ${context.url} --token ${made.token}`,
        ]);
      }),
    );

  workers
    .command('drain')
    .description('let a worker finish what it holds and take nothing new')
    .argument('<id>')
    .requiredOption('--reason <text>', 'shown to everyone who asks why builds wait')
    .addHelpText('after', '\nExample:\n  muster workers drain wrk_… --reason "new Xcode"')
    .action(
      wire(async (context, id: string, options: { reason: string }) =>
        show(context, await context.client.workers.drain(id, options.reason)),
      ),
    );

  workers
    .command('resume')
    .description('let a drained worker take builds again')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster workers resume wrk_…')
    .action(wire(async (context, id: string) => show(context, await context.client.workers.resume(id))));

  workers
    .command('evict')
    .description('take a build away from a worker; it goes back to its old place in line')
    .argument('<id>')
    .argument('<build>')
    .addHelpText('after', '\nExample:\n  muster workers evict wrk_… bld_…')
    .action(
      wire(async (context, id: string, build: string) => {
        await sure(context, `Take build ${build} away from ${id}? What it did so far is lost.`);
        const { state } = await context.client.workers.evict(id, build);
        context.output.result({ id: build, state }, () => [`${build} ${context.output.state(state)}`]);
      }),
    );

  workers
    .command('remove')
    .description('forget a worker; its history stays')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster workers remove wrk_… --yes')
    .action(
      wire(async (context, id: string) => {
        await sure(context, `Remove worker ${id}? Its token stops working.`);
        await context.client.workers.remove(id);
        context.output.result({ id, removed: true }, () => [`${id} removed`]);
      }),
    );

  const worker = program.command('worker').description('be a worker: runs muster-worker on this machine');
  for (const [verb, what] of [
    ['start', 'connect and run builds until stopped'],
    ['doctor', 'check whether this machine can be a worker'],
  ] as const) {
    worker
      .command(verb)
      .description(what)
      .allowUnknownOption()
      .helpOption(false)
      .argument('[words...]', 'handed on to muster-worker; see: muster worker start --help')
      .action(wire((context, words: string[]) => runWorker(context, [verb, ...words])));
  }
}

const labelsOf = (worker: Worker): string =>
  Object.entries(worker.labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '–';

function show(context: Context, worker: Worker): void {
  context.output.result(worker, () => [
    `${context.output.bold(worker.id)} ${context.output.state(worker.state)} · ${worker.name}`,
    `  ${worker.seats - worker.seatsFree} of ${worker.seats} seats taken · ${worker.platforms.join(', ')} · ${labelsOf(worker)}`,
    ...(worker.drainReason ? [`  draining: ${worker.drainReason}`] : []),
    ...worker.held.map((held) => `  holds ${held.buildId} (${held.state}, term ${held.term})`),
    `  seen ${ago(worker.lastSeenAt)} · ${worker.counters.succeeded} succeeded, ${worker.counters.failed} failed, ${worker.counters.lost} lost`,
    ...(worker.diagnostics ? [`  diagnostics: ${worker.diagnostics.status}, ${ago(worker.diagnostics.runAt)}`] : []),
  ]);
}

/** The CLI imports nothing of the worker: it finds the binary and hands the words on. */
async function runWorker(context: Context, words: string[]): Promise<void> {
  const binary = [
    join(installationRoot, 'packages', 'worker', 'bin', 'muster-worker.mjs'),
    join(installationRoot, 'node_modules', '@muster', 'worker', 'bin', 'muster-worker.mjs'),
  ].find((path) => existsSync(path));
  if (!binary)
    throw new MusterError('notFound', {
      reason: 'no_worker_binary',
      detail: 'muster-worker is not installed beside this CLI.',
    });
  const url = words.includes('--url') ? [] : ['--url', context.url];
  const child = spawn(
    process.execPath,
    [binary, ...words, ...(words[0] === 'start' || words[0] === 'doctor' ? url : [])],
    { stdio: 'inherit' },
  );
  const hand = (signal: NodeJS.Signals): void => void child.kill(signal);
  // Ctrl-C reaches the worker through the terminal's group; a plain SIGTERM only reaches us.
  process.on('SIGTERM', hand);
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve(status ?? (signal ? 130 : 1)));
  });
  process.off('SIGTERM', hand);
  if (code !== 0) throw new Ended(code, `muster-worker ended with ${code}.`);
}
