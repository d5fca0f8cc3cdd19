import type { BuildQueue } from '@muster/protocol';
import type { Command } from 'commander';
import type { Context } from '../shell/context.ts';
import { duration } from '../shell/output.ts';
import type { Wire } from './builds.ts';

export function addQueues(program: Command, wire: Wire): void {
  const queues = program.command('queues').alias('queue').description('the lines builds wait in');

  queues
    .command('show', { isDefault: true })
    .alias('list')
    .alias('ls')
    .description('depth, waiting and running, per queue and per kind of worker it needs')
    .addHelpText('after', '\nExample:\n  muster queues show')
    .action(wire(async (context) => print(context, (await context.client.queues.list()).items)));

  queues
    .command('pause')
    .description('start nothing new from a queue; running builds go on')
    .argument('<name>')
    .requiredOption('--reason <text>', 'shown on every build that waits because of it')
    .option('--until <time>', 'ISO time at which it goes on by itself')
    .addHelpText('after', '\nExample:\n  muster queues pause default --reason "moving the machines"')
    .action(
      wire(async (context, name: string, options: { reason: string; until?: string }) =>
        print(context, [
          await context.client.queues.pause(name, {
            reason: options.reason,
            ...(options.until ? { resumesAt: options.until } : {}),
          }),
        ]),
      ),
    );

  queues
    .command('resume')
    .description('let a paused queue go on')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  muster queues resume default')
    .action(wire(async (context, name: string) => print(context, [await context.client.queues.resume(name)])));
}

function print(context: Context, queues: readonly BuildQueue[]): void {
  const { output } = context;
  if (output.json) return output.list(queues, [], '');
  const rows = queues.flatMap((queue) => [
    {
      name: queue.name,
      needs: 'all',
      depth: queue.depth,
      running: queue.running,
      oldest: queue.oldestWaitMs,
      online: '',
      free: '',
      eta: '',
      paused: queue.paused,
    },
    ...queue.demands.map((demand) => ({
      name: '',
      needs: [demand.platform, ...Object.entries(demand.requires).map(([key, value]) => `${key}=${value}`)].join(' '),
      depth: demand.depth,
      running: demand.running,
      oldest: demand.oldestWaitMs,
      online: String(demand.workersOnline),
      free: String(demand.seatsFree),
      eta: demand.etaMs === null ? '–' : duration(demand.etaMs),
      paused: null,
    })),
  ]);
  output.list(
    rows,
    [
      ['QUEUE', (row) => (row.name === '' ? '' : output.bold(row.name))],
      ['NEEDS', (row) => row.needs],
      ['WAITING', (row) => String(row.depth)],
      ['RUNNING', (row) => String(row.running)],
      ['OLDEST', (row) => (row.oldest === null ? '–' : duration(row.oldest))],
      ['WORKERS', (row) => row.online],
      ['FREE', (row) => row.free],
      ['ETA', (row) => row.eta],
      ['', (row) => (row.paused ? output.warn(`paused by ${row.paused.by}: ${row.paused.reason}`) : '')],
    ],
    'No queues yet; the first build makes one.',
  );
}
