import type { GalleryFleet } from '@muster/protocol';
import type { Command } from 'commander';
import { sure } from '../shell/ask.ts';
import type { Context } from '../shell/context.ts';
import { span, whole } from '../shell/words.ts';
import type { Wire } from './builds.ts';
import { addGalleryBots } from './gallery-bots.ts';
import { addGalleryLife } from './gallery-life.ts';
import { addGalleryParts } from './gallery-parts.ts';
import { followTask, tellTask } from './gallery-task.ts';

type SeedOptions = {
  count?: number;
  persona?: string[];
  list?: boolean;
  seed?: number;
  target?: string;
  start?: boolean;
  dryRun?: boolean;
};

/** `muster gallery …`: disclosed bots that live on an image gallery. */
export function addGallery(program: Command, wire: Wire): void {
  const gallery = program
    .command('gallery')
    .alias('swarm')
    .description('bots that draw, comment and answer on an image gallery, openly as bots');

  gallery
    .command('seed')
    .description('draw a fleet; a second run with the same words makes nothing')
    .option('-n, --count <n>', 'how many bots there shall be', whole)
    .option('-p, --persona <id...>', 'only of these personas')
    .option('-l, --list', 'show the personas a fleet is drawn from, and draw none')
    .option('--seed <n>', 'another seed, another fleet', whole, 1)
    .option('--target <id>', 'which gallery they are for', 'sandbox')
    .option('--start', 'let them run as soon as they have accounts')
    .option('--dry-run', 'only say what would be drawn')
    .addHelpText('after', '\nExample:\n  muster gallery seed -n 20 --start')
    .action(wire(seed));

  addGalleryBots(gallery, wire);

  gallery
    .command('status')
    .description('how many bots there are, by state and by persona, and why some wait')
    .addHelpText('after', '\nExample:\n  muster gallery status')
    .action(wire(async (context) => tellFleet(context, await context.client.gallery.fleet())));

  gallery
    .command('panic')
    .description('kill switch: no act of any bot begins after the answer')
    .argument('[reason]', 'shown wherever bots wait because of it', 'stopped from the command line')
    .addHelpText('after', '\nExample:\n  muster gallery panic "they answer the wrong person"')
    .action(
      wire(async ({ client, output }, reason: string) => {
        const answer = await client.gallery.panic(reason);
        output.result(answer, () => [
          `Stopped at ${answer.stoppedAt}: ${answer.bots} bots.`,
          ...answer.nodes.map(
            ({ id, confirmed }) => `  ${id}: ${confirmed ? 'confirmed' : 'not reached; its right ends within 10 s'}`,
          ),
          answer.inFlight.length === 0
            ? 'Nothing was on the wire.'
            : `${answer.inFlight.length} acts were on the wire and finish: ${answer.inFlight.map(({ botId, kind }) => `${kind} of ${botId}`).join(', ')}`,
          'Let them go again with: muster gallery release "why"',
        ]);
      }),
    );

  gallery
    .command('release')
    .description('open the gate after a panic; every bot is paused first, unless --as-before')
    .argument('<reason>')
    .option('--as-before', 'let those go on that ran, spread over a minute')
    .addHelpText('after', '\nExample:\n  muster gallery release "found it" --as-before')
    .action(
      wire(async (context, reason: string, options: { asBefore?: boolean }) => {
        await sure(
          context,
          options.asBefore ? 'Let all bots go on that ran before?' : 'Open the gate? Every bot is paused first.',
        );
        const state = options.asBefore ? 'asBefore' : 'paused';
        tellFleet(context, await context.client.gallery.release({ reason, state }));
      }),
    );

  addGalleryLife(gallery, wire);
  addGalleryParts(gallery, wire);

  gallery
    .command('sim')
    .description('let a drawn fleet live some hours in the sandbox, as fast as this machine can')
    .option('-n, --count <n>', 'how many bots', whole, 60)
    .option('--hours <time>', 'how long they live, such as 24h', span, 24 * 3_600_000)
    .option('--seed <n>', 'another seed, another day', whole, 1)
    .option('--stop', 'stop them when it is over, instead of letting them go on in real time')
    .addHelpText('after', '\nExample:\n  muster gallery sim -n 20 --hours 6h')
    .action(
      wire(async (context, options: { count: number; hours: number; seed: number; stop?: boolean }) => {
        await simulate(context, {
          count: options.count,
          hours: options.hours / 3_600_000,
          seed: options.seed,
          start: !options.stop,
        });
      }),
    );

  gallery
    .command('demo')
    .description('60 bots, a day in the sandbox in less than a minute, then they go on: see it in the browser')
    .addHelpText('after', '\nExample:\n  muster gallery demo')
    .action(
      wire(async (context) => {
        await simulate(context, { count: 60, hours: 24, seed: 1, start: true });
        context.output.note(
          [
            `See what they did:   ${context.url}/sandbox`,
            'Watch them go on:    muster gallery feed -f',
            'Stop all of it:      muster gallery stop --all',
          ].join('\n'),
        );
      }),
    );
}

async function seed(context: Context, options: SeedOptions): Promise<void> {
  const { client, output } = context;
  if (options.list) {
    const { items } = await client.gallery.personas.list({ limit: 200 });
    output.list(
      items,
      [
        ['PERSONA', (one) => output.bold(one.id)],
        ['WEIGHT', (one) => String(one.weight)],
        ['TIER', (one) => one.tier],
        ['ZONE', (one) => one.timezone],
        ['BOTS', (one) => String(one.bots)],
        ['WHO', (one) => one.title],
      ],
      'No personas.',
    );
    return;
  }
  if (options.count === undefined) {
    const { MusterError } = await import('@muster/protocol/errors');
    throw new MusterError('invalid', { reason: 'count_missing', detail: 'Say how many: muster gallery seed -n 20' });
  }
  const task = await client.gallery.seed({
    count: options.count,
    seed: options.seed ?? 1,
    targetId: options.target ?? 'sandbox',
    start: options.start ?? false,
    dryRun: options.dryRun ?? false,
    ...(options.persona ? { personas: options.persona } : {}),
  });
  tellTask(context, await followTask(context, task, 'seeding'), options.dryRun ? 'drawn' : 'Drawn');
}

async function simulate(
  context: Context,
  input: { count: number; hours: number; seed: number; start: boolean },
): Promise<void> {
  const { client, output } = context;
  output.note(`${input.count} bots live ${input.hours} h in the sandbox …`);
  const began = Date.now();
  const task = await followTask(context, await client.gallery.sim(input), 'simulating');
  if (task.state === 'failed') {
    const { Ended, exitCodes } = await import('../shell/exit-codes.ts');
    throw new Ended(exitCodes.runFailed, task.error ?? 'The simulation failed.');
  }
  const counts = (task.result ?? {}) as Record<string, number>;
  output.result(task, () => [
    `${input.hours} h in ${((Date.now() - began) / 1_000).toFixed(1)} s: ${[
      'thinks',
      'posts',
      'comments',
      'replies',
      'likes',
      'browses',
    ]
      .map((name) => `${counts[name] ?? 0} ${name}`)
      .join(', ')}`,
  ]);
}

/** The fleet as a person reads it. */
export function tellFleet({ output }: Context, fleet: GalleryFleet): void {
  output.result(fleet, () => [
    `${output.bold(`${fleet.bots} bots`)}  ${Object.entries(fleet.states)
      .filter(([, count]) => count > 0)
      .map(([state, count]) => `${count} ${state}`)
      .join(', ')}`,
    ...(fleet.gate.state === 'open'
      ? []
      : [output.warn(`gate of the fleet: ${fleet.gate.state} (${fleet.gate.reason ?? ''})`)]),
    ...(fleet.panic ? [output.warn(`panic by ${fleet.panic.by}: ${fleet.panic.reason}`)] : []),
    ...Object.entries(fleet.waiting).map(([reason, count]) => `  ${count} wait: ${reason}`),
    ...fleet.personas.map(
      (one) =>
        `  ${(one.id ?? 'custom').padEnd(16)} ${String(one.bots).padStart(6)}  running ${one.running}, sleeping ${one.sleeping}, paused ${one.paused}, error ${one.error}, idle ${one.idle}`,
    ),
    `mind ${fleet.mind.name}${fleet.mind.offline ? ' (offline, free)' : ''}${fleet.mind.degraded === null ? '' : output.warn(`, degraded: ${fleet.mind.degraded}`)}`,
    ...fleet.targets.map(
      ({ id, kind, gate, share, acknowledged }) =>
        `target ${id} (${kind}): ${acknowledged ? 'acknowledged' : output.warn('not acknowledged')}, gate ${gate.state}${gate.reason === null ? '' : ` (${gate.reason})`}, share ${share}`,
    ),
    `did ${fleet.counts.posts} posts, ${fleet.counts.comments} comments, ${fleet.counts.replies} replies, ${fleet.counts.likes} likes in ${fleet.counts.thinks} thinks, for ${(fleet.costMicros / 1_000_000).toFixed(2)}`,
  ]);
}
