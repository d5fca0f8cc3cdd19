import type { Activity } from '@muster/protocol';
import type { Command } from 'commander';
import type { Context } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';
import { duration } from '../shell/output.ts';
import { whole } from '../shell/words.ts';
import type { Wire } from './builds.ts';

type FeedOptions = { follow?: boolean; bot?: string; persona?: string; type?: string; lines: number };
type PreviewOptions = { steps: number; mind?: string; seed?: number; at?: string; spend?: boolean };

/** Looking at bots: what they do, would do and say. */
export function addGalleryLife(gallery: Command, wire: Wire): void {
  gallery
    .command('feed')
    .description('what bots did; with -f what they do')
    .option('-f, --follow', 'stay')
    .option('--bot <id>', 'of one bot')
    .option('--persona <id>', 'of bots of a persona')
    .option('--type <type>', 'post, comment, like, … several with commas')
    .option('-n, --lines <n>', 'so many from the end', whole, 20)
    .addHelpText('after', '\nExample:\n  muster gallery feed -f')
    .action(wire(feed));

  gallery
    .command('preview')
    .description('what a bot would do next; touches nothing')
    .argument('<id>')
    .option('--steps <n>', 'so many thinks, at most 10', whole, 1)
    .option('--mind <name>', 'with another mind')
    .option('--seed <n>', 'with other draws', whole)
    .option('--at <time>', 'as if it were then (ISO)')
    .option('--spend', 'a paid mind may be asked')
    .addHelpText('after', '\nExample:\n  muster gallery preview gbt_… --steps 3')
    .action(wire(preview));

  gallery
    .command('replay')
    .description('recorded thoughts decided once more with another persona or mind; nothing is sent')
    .requiredOption('--from <time>', 'ISO time')
    .option('--to <time>', 'ISO time; now unless said')
    .option('--bot <id...>', 'only of these bots')
    .option('--persona <id>', 'as if they were drawn from it')
    .option('--mind <name>', 'as if it had thought')
    .option('--spend', 'a paid mind may be asked')
    .addHelpText('after', '\nExample:\n  muster gallery replay --from 2026-01-31T00:00:00Z --persona kind_pencil')
    .action(wire(replay));

  gallery
    .command('ask')
    .description('a question to a bot, out of its world; never posted')
    .argument('<id>')
    .argument('<question>')
    .addHelpText('after', '\nExample:\n  muster gallery ask gbt_… "What do you make of the bay?"')
    .action(
      wire(async ({ client, output }, id: string, question: string) => {
        const answer = await client.gallery.bots.ask(id, question);
        output.result(answer, () => [answer.answer]);
      }),
    );
}

async function feed(context: Context, { follow, lines, bot, persona, type }: FeedOptions): Promise<void> {
  const { client, output, signal } = context;
  const said = (value: string | undefined, name: string): object => (value === undefined ? {} : { [name]: value });
  // Asked first: what comes between this and the list is in both, and shown once.
  const path = bot === undefined ? 'gallery/activity' : `gallery/bots/${bot}`;
  const from = follow ? (await client.stream(path).head(signal)).next : undefined;
  const { items } = await client.gallery.activity({
    limit: Math.min(200, Math.max(1, lines)),
    ...said(bot, 'bot'),
    ...said(persona, 'persona'),
    ...said(type, 'type'),
  });
  const seen = new Set(items.map((item) => item.id));
  for (const item of items.toReversed()) print(context, item);
  if (!follow) return;
  const types = type?.split(',').map((word) => word.trim());
  const wanted = (item: Activity): boolean =>
    !seen.has(item.id) && (persona === undefined || item.personaId === persona) && (types?.includes(item.type) ?? true);
  try {
    const reading = client.gallery.feed({
      signal,
      ...(bot === undefined ? {} : { bot }),
      ...(from === undefined ? {} : { from }),
      onWait: (error, waitMs) => output.note(output.dim(`${error.message} Trying again in ${duration(waitMs)}.`)),
    });
    for await (const { records } of reading) for (const item of records.filter(wanted)) print(context, item);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Ended(exitCodes.interrupted, '');
  }
}

type ReplayOptions = { from: string; to?: string; bot?: string[]; persona?: string; mind?: string; spend?: boolean };

async function replay({ client, output }: Context, options: ReplayOptions): Promise<void> {
  const { from, to = new Date().toISOString(), bot, persona, mind, spend = false } = options;
  const answer = await client.gallery.replay({
    from,
    to,
    spend,
    ...(bot ? { botIds: bot } : {}),
    change: { ...(persona === undefined ? {} : { persona }), ...(mind === undefined ? {} : { mind }) },
  });
  output.result(answer, () => [
    ...answer.thoughts.flatMap(({ at, botId, same, was, now }) =>
      same ? [] : [`${at} ${output.dim(botId)}`, `  was ${was.kind}: ${was.text}`, `  now ${now.kind}: ${now.text}`],
    ),
    `${answer.thoughts.length} thoughts, ${answer.same} the same; cost ${answer.costMicros.was} → ${answer.costMicros.now} micros${answer.truncated ? '; only the newest' : ''}`,
  ]);
}

function print({ output }: Context, item: Activity): void {
  const time = item.at.slice(11, 19);
  output.raw(
    output.json
      ? `${JSON.stringify(item)}\n`
      : `${output.dim(time)} ${item.emoji} ${item.botName === null ? '' : `${output.bold(item.botName)} `}${item.message}\n`,
  );
}

async function preview({ client, output }: Context, id: string, options: PreviewOptions): Promise<void> {
  const { steps, mind, seed, at, spend } = options;
  const answer = await client.gallery.bots.preview(id, {
    steps,
    spend: spend ?? false,
    ...(mind === undefined ? {} : { mind }),
    ...(seed === undefined ? {} : { seed }),
    ...(at === undefined ? {} : { at }),
  });
  output.result(answer, () =>
    answer.steps.flatMap((step, i) => {
      const { decision } = step;
      const on = step.candidates[decision.on];
      const bad = step.verdicts.filter(({ ok }) => !ok);
      return [
        `${i + 1}. ${step.at}  ${output.bold(decision.do)}${on ? ` on "${on.title}" by ${on.author}` : ''}`,
        `   ${output.dim(decision.why)}`,
        ...[decision.caption, decision.text].filter((text) => text !== '').map((text) => `   “${text}”`),
        ...(decision.prompt === '' ? [] : [`   picture: ${decision.prompt} (${decision.alt})`]),
        ...bad.map(({ check, reason }) => `   ${output.warn(`${check}: ${reason ?? 'refused'}`)}`),
        `   ${answer.mind}, ${step.tokens.in} + ${step.tokens.out} tokens, ${(step.costMicros / 1_000_000).toFixed(4)}`,
      ];
    }),
  );
}
