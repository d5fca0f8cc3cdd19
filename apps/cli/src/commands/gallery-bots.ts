import type { BotQuery } from '@muster/client';
import type { BotCommand, BulkBots, GalleryBot } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import type { Command } from 'commander';
import { sure } from '../shell/ask.ts';
import type { Context } from '../shell/context.ts';
import { ago } from '../shell/output.ts';
import { whole } from '../shell/words.ts';
import type { Wire } from './builds.ts';
import { followTask, tellTask } from './gallery-task.ts';

type Which = { persona?: string; state?: string; all?: boolean; dryRun?: boolean };
type NewOptions = {
  persona?: string;
  target?: string;
  name?: string;
  tier?: GalleryBot['effective']['tier'];
  start?: boolean;
};

const commands = {
  start: ['let bots run', 'Started'],
  pause: ['no act of them begins after the answer; resume goes on from there', 'Paused'],
  resume: ['go on after a pause', 'Resumed'],
  stop: ['stop bots for good; start begins again', 'Stopped'],
  wake: ['let them think now, also out of a sleep', 'Woken'],
  delete: ['delete bots softly; restore brings them back', 'Deleted'],
  restore: ['bring deleted bots back, stopped', 'Restored'],
  purge: ['remove deleted bots with their memory and accounts, for ever', 'Purged'],
} as const satisfies Record<BotCommand, readonly [string, string]>;

export function addGalleryBots(gallery: Command, wire: Wire): void {
  gallery
    .command('bots')
    .alias('ls')
    .description('bots, newest first')
    .option('--state <state>', 'one state as shown, or several with commas')
    .option('--persona <id>', 'one, or several with commas; custom for those of none')
    .option('--tier <tier>')
    .option('--target <id>')
    .option('--reason <reason>', 'those that wait because of it')
    .option('-q, --query <text>', 'in name or username')
    .option('--sort <by>', 'createdAt, name, lastActionAt, nextThinkAt, cost')
    .option('--deleted', 'only deleted ones')
    .option('--limit <n>', 'at most 200', whole, 50)
    .option('--cursor <cursor>', 'where an earlier list ended')
    .addHelpText('after', '\nExample:\n  muster gallery bots --state running')
    .action(wire(list));

  gallery
    .command('show')
    .description('one bot: its traits, how it is and why it waits')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster gallery show gbt_…')
    .action(wire(async (context, id: string) => show(context, await context.client.gallery.bots.get(id))));

  gallery
    .command('create')
    .description('make one bot')
    .argument('<username>', '3 to 30 small letters, digits and _')
    .option('--name <name>', 'how it is called; its username unless said')
    .option('--persona <id>', 'what it is drawn from')
    .option('--target <id>', 'which gallery it is for', 'sandbox')
    .option('--tier <tier>', 'power, regular or casual')
    .option('--start', 'let it run as soon as it has an account')
    .addHelpText('after', '\nExample:\n  muster gallery create ines_m --persona harbor_log --start')
    .action(
      wire(async (context, username: string, options: NewOptions) => {
        const bot = await context.client.gallery.bots.create({
          username,
          name: options.name ?? username,
          targetId: options.target ?? 'sandbox',
          start: options.start ?? false,
          ...(options.persona === undefined ? {} : { personaId: options.persona }),
          ...(options.tier === undefined ? {} : { tier: options.tier }),
        });
        context.output.result(bot, () => [`${bot.id} ${bot.username} made, ${bot.state}`]);
      }),
    );

  for (const [command, [description, done]] of Object.entries(commands) as [BotCommand, readonly [string, string]][]) {
    const example = command === 'start' ? 'start --persona harbor_log' : `${command} gbt_… --yes`;
    gallery
      .command(command)
      .description(description)
      .argument('[ids...]')
      .option('--persona <id>', 'all bots of a persona')
      .option('--state <state>', 'all bots of a state')
      .option('--all', 'every bot')
      .option('--dry-run', 'only say what would happen')
      .addHelpText('after', `\nExample:\n  muster gallery ${example}`)
      .action(wire((context, ids: string[], options: Which) => tell(context, command, done, ids, options)));
  }

  gallery
    .command('task')
    .description('how far a bulk action, a seeding or a simulated day is')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster gallery task job_…')
    .action(
      wire(async (context, id: string) => {
        const task = await followTask(context, await context.client.gallery.task(id), 'task');
        tellTask(context, task, task.kind);
      }),
    );
}

async function list(
  { client, output }: Context,
  options: Omit<BotQuery, 'deleted'> & { query?: string; deleted?: boolean; limit: number },
): Promise<void> {
  const { query, deleted, ...rest } = options;
  const { items, nextCursor } = await client.gallery.bots.list({
    ...rest,
    ...(query === undefined ? {} : { q: query }),
    ...(deleted ? { deleted: 'only' } : {}),
  });
  output.list(
    items,
    [
      ['ID', (bot) => bot.id],
      ['USERNAME', (bot) => output.bold(bot.username)],
      ['PERSONA', (bot) => bot.personaId ?? 'custom'],
      ['STATE', (bot) => output.state(bot.state)],
      ['WAITS', (bot) => bot.waiting?.reason ?? ''],
      ['POSTS', (bot) => String(bot.counts.posts)],
      ['TALK', (bot) => String(bot.counts.comments + bot.counts.replies)],
      ['LIKES', (bot) => String(bot.counts.likes)],
      ['LAST', (bot) => ago(bot.lastActionAt)],
    ],
    'No bots; draw some with: muster gallery seed -n 20 --start',
  );
  if (nextCursor !== null) output.note(output.dim(`More: --cursor ${nextCursor}`));
}

function show({ output }: Context, bot: GalleryBot): void {
  const { effective, waiting, counts } = bot;
  output.result(bot, () => [
    `${output.bold(bot.name)} @${bot.username} on ${bot.targetId}  ${output.dim(bot.id)}`,
    `${output.state(bot.state)}${waiting ? ` · ${waiting.reason}: ${waiting.detail}${waiting.remedy === null ? '' : ` ${waiting.remedy}`}` : ''}`,
    `${bot.disclosureLabel} · ${bot.personaId ?? 'custom'} · ${effective.tier} · ${effective.timezone} · mind ${effective.mind}`,
    `mix ${Object.entries(effective.mix)
      .map(([kind, share]) => `${kind} ${Math.round(share)} %`)
      .join(', ')}`,
    `${counts.posts} posts, ${counts.comments} comments, ${counts.replies} replies, ${counts.likes} likes in ${counts.thinks} thinks; last ${ago(bot.lastActionAt)}`,
    `account ${bot.provision.state}${bot.provision.detail === null ? '' : `: ${bot.provision.detail}`}`,
    ...(bot.lastError === null ? [] : [output.warn(bot.lastError)]),
  ]);
}

async function tell(
  context: Context,
  command: BotCommand,
  done: string,
  ids: readonly string[],
  options: Which,
): Promise<void> {
  const { client } = context;
  const which = whichBots(ids, options);
  const dryRun = options.dryRun ?? false;
  if ((command === 'delete' || command === 'purge') && !dryRun) {
    const whom = ids.length === 1 ? String(ids[0]) : ids.length > 1 ? `${ids.length} bots` : 'all these bots';
    await sure(context, command === 'purge' ? `Remove ${whom} for ever, with all they remember?` : `Delete ${whom}?`);
  }
  const task = await client.gallery.bots.bulk({ action: command, dryRun, ...which });
  tellTask(context, await followTask(context, task, command), dryRun ? done.toLowerCase() : done);
}

/** Ids, or a persona or state, or all: one of them, and never all by leaving something out. */
function whichBots(ids: readonly string[], { persona, state, all }: Which): Pick<BulkBots, 'ids' | 'filter' | 'all'> {
  const filter = { ...(persona === undefined ? {} : { persona }), ...(state === undefined ? {} : { state }) };
  const filtered = Object.keys(filter).length > 0;
  if (Number(ids.length > 0) + Number(filtered) + Number(all === true) !== 1) {
    throw new MusterError('invalid', {
      reason: 'which_bots',
      detail: 'Say which bots: their ids, or --persona and --state, or --all.',
    });
  }
  return ids.length > 0 ? { ids: [...ids] } : filtered ? { filter } : { all: true };
}
