import type { StreamItem } from '@muster/client';
import { type Command, Option } from 'commander';
import { sure } from '../shell/ask.ts';
import type { Context } from '../shell/context.ts';
import { ago, bytes, duration } from '../shell/output.ts';
import { span, whole } from '../shell/words.ts';
import type { Wire } from './builds.ts';
import { type AppendOptions, append } from './streams-append.ts';
import { cat, type ReadOptions, tail } from './streams-read.ts';

type CreateOptions = {
  type?: string;
  ttl?: number;
  expires?: string;
  closed?: boolean;
  fork?: string;
  at?: string;
  sub?: number;
};

const fromOption = (): Option => new Option('--from <offset>', 'begin behind this offset');
const gapsOption = (): Option =>
  new Option('--no-gaps', 'end with exit code 4 where messages are missing, instead of saying so and going on');

export function addStreams(program: Command, wire: Wire): void {
  const streams = program
    .command('streams')
    .alias('stream')
    .description('durable streams: append, read from any point, tail');

  streams
    .command('list')
    .alias('ls')
    .description('streams by path')
    .argument('[prefix]', 'only paths that begin with this')
    .option('--closed', 'only closed ones')
    .option('--limit <n>', 'at most 200', whole, 50)
    .option('--cursor <cursor>', 'where an earlier list ended')
    .addHelpText('after', '\nExample:\n  muster streams ls demo/')
    .action(wire(list));

  streams
    .command('create')
    .description('make a stream, or make sure it is there')
    .argument('<path>')
    .option('--type <media type>', 'what it holds (text/plain; application/json takes one value a message)')
    .option('--ttl <time>', 'goes away this long after its last use, such as 7d', span)
    .option('--expires <time>', 'ISO time at which it goes away')
    .option('--closed', 'nothing can be appended')
    .option('--fork <path>', 'begin with what that stream holds')
    .option('--at <offset>', 'fork there instead of at its end')
    .option('--sub <n>', 'so many messages (JSON) or bytes behind --at', whole)
    .addHelpText('after', '\nExample:\n  muster streams create demo/log --ttl 1h')
    .action(wire(create));

  streams
    .command('append')
    .description('append each line of stdin, or each argument; every line arrives once, over cuts too')
    .argument('<path>')
    .argument('[lines...]', 'instead of stdin')
    .option('--whole', 'all of stdin as one message')
    .option('--producer <id>', 'keep what is not sent yet on disk: after a kill the next run sends it, once')
    .option('--continue', 'with --producer: the same input again; lines an earlier run took are left out')
    .option('--outbox <file>', 'with --producer: where to keep it')
    .option('--type <media type>', 'what the stream holds; asked of the server unless said')
    .option('--close', 'close the stream behind the last line')
    .addHelpText('after', '\nExample:\n  muster streams append demo/log "a line" "another"')
    .action(
      wire((context, path: string, lines: string[], options: AppendOptions) => append(context, path, lines, options)),
    );

  streams
    .command('cat')
    .alias('read')
    .description('what a stream holds, byte for byte; JSON one message a line')
    .argument('<path>')
    .addOption(fromOption())
    .addOption(gapsOption())
    .addHelpText('after', '\nExample:\n  muster streams cat demo/log')
    .action(wire((context, path: string, options: ReadOptions) => cat(context, path, options)));

  streams
    .command('tail')
    .description('the end of a stream; with -f what comes next too, over cuts and restarts')
    .argument('<path>')
    .option('-f, --follow', 'stay until the stream is closed')
    .option('-n, --lines <n>', 'so many messages (JSON) or lines from its end', whole)
    .addOption(fromOption())
    .addOption(gapsOption())
    .addHelpText('after', '\nExample:\n  muster streams tail demo/log -n 20')
    .action(wire((context, path: string, options: ReadOptions) => tail(context, path, options)));

  streams
    .command('inspect')
    .alias('show')
    .description('one stream: what it holds, how long, who reads it')
    .argument('<path>')
    .addHelpText('after', '\nExample:\n  muster streams inspect demo/log')
    .action(wire(async (context, path: string) => show(context, await context.client.streams.get(path))));

  streams
    .command('close')
    .description('end a stream for ever; what is there can still be read')
    .argument('<path>')
    .addHelpText('after', '\nExample:\n  muster streams close demo/log --yes')
    .action(
      wire(async (context, path: string) => {
        await sure(context, `Close ${path}? Nothing can be appended to it any more.`);
        const { next } = await context.client.stream(path).close();
        context.output.result({ path, nextOffset: next, closed: true }, () => [`${path} closed at ${next}`]);
      }),
    );

  streams
    .command('rm')
    .alias('delete')
    .description('remove streams with everything in them')
    .argument('<paths...>')
    .addHelpText('after', '\nExample:\n  muster streams rm demo/log --yes')
    .action(
      wire(async (context, paths: string[]) => {
        await sure(
          context,
          `Remove ${paths.length === 1 ? paths[0] : `${paths.length} streams`} with everything in it?`,
        );
        for (const path of paths) {
          await context.client.stream(path).delete(context.signal);
          context.output.result({ path, removed: true }, () => [`${path} removed`]);
        }
      }),
    );

  streams
    .command('token')
    .description('a short-lived token for browsers, good for some streams only')
    .argument('<patterns...>', 'paths; * is one segment, ** any number')
    .option('--append', 'may append too')
    .option('--ttl <time>', 'how long it is good, at most 24h', span)
    .addHelpText('after', '\nExample:\n  muster streams token "demo/**" --ttl 15m')
    .action(
      wire(async (context, paths: string[], options: { append?: boolean; ttl?: number }) => {
        const made = await context.client.streams.createToken({
          paths,
          operations: options.append ? ['read', 'append'] : ['read'],
          ...(options.ttl === undefined ? {} : { ttlMs: options.ttl }),
        });
        context.output.result(made, () => [made.token]);
      }),
    );
}

async function list(
  context: Context,
  prefix: string | undefined,
  options: { closed?: boolean; limit: number; cursor?: string },
): Promise<void> {
  const { output } = context;
  const { items, nextCursor } = await context.client.streams.list({ ...options, ...(prefix ? { prefix } : {}) });
  output.list<StreamItem>(
    items,
    [
      ['PATH', (item) => output.bold(item.path)],
      ['TYPE', (item) => item.contentType],
      ['MESSAGES', (item) => String(item.messages)],
      ['SIZE', (item) => bytes(item.bytes)],
      ['READERS', (item) => String(item.followers)],
      ['CHANGED', (item) => ago(item.updatedAt)],
      ['', (item) => (item.closed ? output.warn('closed') : '')],
    ],
    prefix ? `No streams below ${prefix}.` : 'No streams yet. Make one with: muster streams create demo/log',
  );
  if (nextCursor) output.note(`There are more: --cursor ${nextCursor}`);
}

async function create(context: Context, path: string, options: CreateOptions): Promise<void> {
  const { client, output } = context;
  const { ttl, expires, fork, type = fork === undefined ? 'text/plain' : undefined } = options;
  const settings = {
    ...(type === undefined ? {} : { contentType: type }),
    ...(ttl === undefined ? {} : { ttlSeconds: Math.ceil(ttl / 1_000) }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
    ...(options.closed ? { closed: true } : {}),
  };
  if (fork === undefined) {
    const { created, next, closed } = await client.stream(path).create(settings);
    output.result({ path, created, nextOffset: next, closed }, () => [
      `${path} ${created ? 'created' : 'is there'} at ${next}`,
    ]);
    return;
  }
  const { at, sub } = options;
  await client
    .stream(fork)
    .fork(path, { ...settings, ...(at === undefined ? {} : { at }), ...(sub === undefined ? {} : { sub }) });
  const { next, closed } = await client.stream(path).head(context.signal);
  output.result({ path, forkedFrom: fork, nextOffset: next, closed }, () => [`${path} forked from ${fork} at ${next}`]);
}

function show({ output }: Context, item: StreamItem): void {
  const kept = [
    item.ttlSeconds === null ? '' : `${duration(item.ttlSeconds * 1_000)} after its last use`,
    item.expiresAt === null ? '' : `until ${item.expiresAt}`,
    ...retained(item),
  ].filter((each) => each !== '');
  output.result(item, () => [
    `${output.bold(item.path)}  ${item.contentType}  ${item.closed ? output.warn('closed') : 'open'}`,
    `messages  ${item.messages} (${bytes(item.bytes)})`,
    `offsets   ${item.firstOffset} to ${item.nextOffset}`,
    `kept      ${kept.length === 0 ? 'for ever' : kept.join(', ')}`,
    `readers   ${item.followers} live`,
    ...(item.forkedFrom === null ? [] : [`fork of   ${item.forkedFrom}`]),
    `created   ${item.createdAt}, changed ${ago(item.updatedAt)}`,
    output.dim(item.url),
  ]);
}

function retained({ retention }: StreamItem): string[] {
  if (retention === null) return [];
  const { maxAgeMs, maxBytes, maxMessages } = retention;
  return [
    maxAgeMs === undefined ? '' : `messages for ${duration(maxAgeMs)}`,
    maxBytes === undefined ? '' : `the newest ${bytes(maxBytes)}`,
    maxMessages === undefined ? '' : `the newest ${maxMessages} messages`,
  ];
}
