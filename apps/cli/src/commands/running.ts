import type { ActivityFilter } from '@muster/client';
import type { Activity, BuildEventRecord, JobSummary, UsageStep } from '@muster/protocol';
import {
  buildFeedEntry,
  type FeedArea,
  type FeedEntry,
  galleryFeedEntry,
  type ProjectEventRecord,
  projectFeedEntry,
} from '@muster/protocol/running';
import type { Command } from 'commander';
import type { Context } from '../shell/context.ts';
import { duration } from '../shell/output.ts';
import type { Wire } from './builds.ts';

/** What an operator looks at first: overview, activity, search, usage, jobs. */
export function addRunning(program: Command, wire: Wire): void {
  program
    .command('overview')
    .description('what runs, what waits and why, what failed, what today cost, what needs a person')
    .option('--tz <zone>', 'whose midnight "today" begins at', 'UTC')
    .addHelpText('after', '\nExample:\n  muster overview')
    .action(wire((context, options: { tz: string }) => overview(context, options.tz)));

  program
    .command('activity')
    .description('everything that happens, over all areas')
    .option('-f, --follow', 'go on with what comes')
    .option('--area <areas>', 'builds, gallery, streams, people; several with commas')
    .option('--kind <kinds>', 'such as build.failed or gallery.*; several with commas')
    .option('--grep <text>', 'only sentences with this text')
    .option('--since <time>', 'ISO time')
    .option('--limit <n>', 'how many at first', '50')
    .addHelpText('after', '\nExample:\n  muster activity --area builds')
    .action(wire(activity));

  program
    .command('search')
    .description('find builds, workers, bots, streams, keys and people by id or name')
    .argument('<text>')
    .addHelpText('after', '\nExample:\n  muster search default')
    .action(
      wire(async (context, text: string) => {
        const { items, more } = await context.client.running.search(text, 50, context.signal);
        context.output.list(
          items,
          [
            ['KIND', (thing) => thing.kind],
            ['ID', (thing) => thing.id],
            ['NAME', (thing) => thing.name ?? '–'],
            ['STATE', (thing) => (thing.state === null ? '–' : context.output.state(thing.state))],
            ['CONSOLE', (thing) => `${context.url}${thing.path}`],
          ],
          `Nothing that you may see holds ${JSON.stringify(text)}.`,
        );
        if (more) context.output.note('There is more; say more of the name.');
      }),
    );

  program
    .command('usage')
    .description('what was used and what it cost')
    .option('--from <day>', 'first day, or an instant; seven days ago unless said')
    .option('--to <day>', 'last day, or an instant; today unless said')
    .option('--by <step>', 'hour, day, week or month', 'day')
    .option('--tz <zone>', 'time zone of the days', 'UTC')
    .option('--group <dimension>', 'meter, queue, platform, kind, mind or persona', 'meter')
    .addHelpText('after', '\nExample:\n  muster usage --by day --tz Europe/Berlin')
    .action(wire(usage));

  addJobs(program, wire);
}

function addJobs(program: Command, wire: Wire): void {
  const jobs = program.command('jobs').description('what the servers do for themselves');
  jobs
    .command('list', { isDefault: true })
    .alias('ls')
    .description('jobs, youngest first')
    .option('--state <states>', 'waiting, ready, running, done, cancelled, failed; several with commas')
    .option('--kind <kind>', 'such as builds.retention')
    .addHelpText('after', '\nExample:\n  muster jobs list --state failed')
    .action(
      wire(async (context, options: { state?: string; kind?: string }) =>
        printJobs(context, (await context.client.running.jobs({ ...options, limit: 100 }, context.signal)).items),
      ),
    );
  jobs
    .command('show')
    .description('one job with what it carries')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster jobs show job_…')
    .action(
      wire(async (context, id: string) => {
        const job = await context.client.running.job(id, context.signal);
        context.output.result(job, () => [
          `${job.id} ${context.output.state(job.state)} ${job.kind} · attempt ${job.attempt}`,
          ...(job.reason === null ? [] : [`  ${job.reason}`]),
          ...(job.lastError === null ? [] : [`  ${context.output.warn(job.lastError)}`]),
          `  ${JSON.stringify(job.payload)}`,
        ]);
      }),
    );
  jobs
    .command('retry')
    .description('run a failed job once more, or a waiting one at once')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster jobs retry job_…')
    .action(wire(async (context, id: string) => printJobs(context, [await context.client.running.retryJob(id)])));
  jobs
    .command('cancel')
    .description('stop a job that is in line or running')
    .argument('<id>')
    .requiredOption('--reason <text>', 'kept with the job')
    .addHelpText('after', '\nExample:\n  muster jobs cancel job_… --reason "not needed any more"')
    .action(
      wire(async (context, id: string, { reason }: { reason: string }) =>
        printJobs(context, [await context.client.running.cancelJob(id, reason)]),
      ),
    );
}

const printJobs = ({ output }: Context, jobs: readonly JobSummary[]): void =>
  output.list(
    jobs,
    [
      ['JOB', (job) => job.id],
      ['KIND', (job) => job.kind],
      ['STATE', (job) => output.state(job.state)],
      ['ATTEMPT', (job) => String(job.attempt)],
      ['ENQUEUED', (job) => job.enqueuedAt],
      ['', (job) => job.reason ?? job.lastError ?? ''],
    ],
    'No jobs.',
  );

async function overview(context: Context, tz: string): Promise<void> {
  const { output } = context;
  const seen = await context.client.running.overview({ tz }, context.signal);
  const share = (part: number | null): string => (part === null ? '–' : `${Math.round(part * 100)} %`);
  const { builds, gallery, costToday } = seen;
  output.result(seen, () => [
    ...seen.needsPerson.map(({ sentence }) => `${output.warn('needs you')} ${sentence}`),
    ...(builds
      ? [
          `builds   ${builds.running} run, ${builds.waiting} wait${builds.oldestWaitMs === null ? '' : ` (oldest ${duration(builds.oldestWaitMs)})`} · ${builds.finished} finished in the last hour, ${share(builds.failureShare)} failed · ${builds.workers.online + builds.workers.busy} workers online`,
        ]
      : []),
    ...(gallery
      ? [
          `gallery  ${gallery.running} of ${gallery.bots} bots run · ${gallery.actsPerMinute} acts a minute · ${share(gallery.failureShare)} failed · budget ${share(gallery.budgetShare)} used`,
        ]
      : []),
    `cost     ${costToday.cost} ${costToday.currency} today${costToday.unpriced > 0 ? `, ${costToday.unpriced} entries without a price` : ''}`,
    ...seen.waiting.map(({ id, name, waiting }) => `  waits  ${id} ${name ?? ''}: ${waiting.detail}`),
    ...seen.failures.map(({ id, name, failure }) => `  failed ${id} ${name ?? ''}: ${failure.detail}`),
  ]);
}

type ActivityOptions = {
  follow?: boolean;
  area?: string;
  kind?: string;
  grep?: string;
  since?: string;
  limit: string;
};

async function activity(context: Context, options: ActivityOptions): Promise<void> {
  const { client, signal } = context;
  const filter: ActivityFilter = {
    limit: Number(options.limit),
    ...(options.area === undefined ? {} : { area: options.area }),
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    ...(options.grep === undefined ? {} : { q: options.grep }),
    ...(options.since === undefined ? {} : { since: options.since }),
  };
  const page = await client.running.activity(filter, signal);
  for (const entry of page.items.toReversed()) print(context, entry);
  if (options.follow !== true) {
    if (page.items.length === 0) context.output.note('Nothing has happened yet that you may see.');
    return;
  }
  const areas = new Map(page.streams.map(({ area, path }) => [path, area]));
  const wanted = page.streams.map(({ area }) => area);
  await Promise.all([...areas].map(([path, area]) => follow(context, path, area, wanted, options)));
}

// A stream of one area has records of one form.
const entryOf: Readonly<Record<FeedArea, (record: unknown) => FeedEntry>> = {
  builds: (record) => buildFeedEntry(record as BuildEventRecord),
  gallery: (record) => galleryFeedEntry(record as Activity),
  streams: (record) => projectFeedEntry(record as ProjectEventRecord),
  people: (record) => projectFeedEntry(record as ProjectEventRecord),
};

async function follow(
  context: Context,
  path: string,
  area: FeedArea,
  areas: readonly FeedArea[],
  { kind, grep }: ActivityOptions,
): Promise<void> {
  const kinds = kind?.split(',').map((word) => word.trim());
  const stream = context.client.stream(path.replace('/v1/stream/', ''));
  const batches = stream.follow({
    from: 'now',
    signal: context.signal,
    onGap: () => 'continue',
    onWait: (error) => context.output.note(context.output.dim(error.message)),
  });
  for await (const { records } of batches)
    for (const entry of records.map(entryOf[area])) {
      const fits =
        areas.includes(entry.area) &&
        (kinds?.some((word) =>
          word.endsWith('.*') ? entry.kind.startsWith(word.slice(0, -1)) : entry.kind === word,
        ) ??
          true) &&
        (grep === undefined || entry.text.toLowerCase().includes(grep.toLowerCase()));
      if (fits) print(context, entry);
    }
}

function print({ output }: Context, entry: FeedEntry): void {
  if (output.json) return output.raw(`${JSON.stringify(entry)}\n`);
  const text = entry.tone === 'bad' || entry.tone === 'warning' ? output.warn(entry.text) : entry.text;
  const who = entry.area === 'gallery' && entry.actor ? `${entry.actor.name}: ` : '';
  output.raw(`${output.dim(entry.at)} ${entry.kind} ${who}${text}\n`);
}

type UsageOptions = { from?: string; to?: string; by: string; tz: string; group: string };

async function usage(context: Context, options: UsageOptions): Promise<void> {
  const { output } = context;
  // The server refuses a step that is none, by name.
  const answer = await context.client.usage.get({ ...options, by: options.by as UsageStep }, context.signal);
  if (output.json) return output.result(answer, () => []);
  const lines = answer.buckets.flatMap(({ label, lines: own }) => own.map((line) => ({ label, line })));
  output.list(
    lines,
    [
      ['WHEN', ({ label }) => label],
      ['METER', ({ line }) => line.meter],
      ['GROUP', ({ line }) => line.group ?? '–'],
      ['QUANTITY', ({ line }) => `${line.quantity} ${line.unit}`],
      ['COST', ({ line }) => (line.cost === null ? output.warn('no price') : `${line.cost} ${answer.currency}`)],
    ],
    'Nothing was used in this time.',
  );
  const { cost, unpriced } = answer.total.money;
  output.note(`${cost} ${answer.currency} in all${unpriced > 0 ? `, and ${unpriced} entries without a price` : ''}.`);
}
