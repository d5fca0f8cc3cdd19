import { createHash, randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { BuildFilter } from '@muster/client';
import type { Build, BuildSpecInput, BuildSummary, Platform, Submitted } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { Argument, type Command, Option } from 'commander';
import { sure } from '../shell/ask.ts';
import type { Context } from '../shell/context.ts';
import { ago, bytes, duration } from '../shell/output.ts';
import { many, pair, span, whole } from '../shell/words.ts';
import { awaitEnd, followToEnd, judge, printLog } from './watch.ts';

type Act<A extends unknown[]> = (run: (context: Context, ...args: A) => Promise<void>) => (...args: A) => Promise<void>;
export type Wire = <A extends unknown[]>(run: (context: Context, ...args: A) => Promise<void>) => ReturnType<Act<A>>;

type SubmitOptions = {
  name?: string;
  queue?: string;
  platform?: Platform;
  label?: Record<string, string>;
  tag?: Record<string, string>;
  env?: Record<string, string>;
  secretEnv?: string[];
  priority?: number;
  task?: string;
  command?: string;
  certs?: string;
  concurrencyKey?: string;
  keyLimit?: number;
  cancelOlder?: boolean;
  maxRun?: number;
  attempts?: number;
  expects?: 'artifact' | 'nothing';
  notBefore?: string;
  queueDeadline?: number;
  failIfNoWorker?: boolean;
  idempotencyKey?: string;
  wait?: boolean;
  follow?: boolean;
  timeout?: number;
};

export function addBuilds(program: Command, wire: Wire): void {
  const builds = program
    .command('builds')
    .alias('build')
    .description('submit builds, follow them, fetch what they made');

  builds
    .command('submit')
    .description('pack a folder (or take an archive), send it and put it in line')
    .argument('<source>', 'folder, or a .zip, .tar.gz or .tar.zst file')
    .option('--name <name>', 'a name for people')
    .option('--queue <name>', 'which line it waits in')
    .addOption(
      new Option('--platform <platform>', 'what it needs').choices(['ios', 'android', 'linux', 'macos', 'any']),
    )
    .option('--label <k=v>', 'a label its worker must have (repeatable)', pair)
    .option('--tag <k=v>', 'a tag to find it by (repeatable)', pair)
    .option('--env <k=v>', 'a variable of its command (repeatable)', pair)
    .option('--secret-env <name>', 'a variable taken from this shell, masked in the log (repeatable)', many)
    .option('--priority <n>', '-100 to 100, higher first', whole)
    .option('--task <name>', 'a command configured on the worker')
    .option('--command <command>', 'a command, for workers that allow it')
    .option('--certs <zip>', 'credential bundle: one .p12, password.txt, provisioning profiles')
    .option('--concurrency-key <key>', 'only so many builds of this key at a time')
    .option('--key-limit <n>', 'how many', whole)
    .option('--cancel-older', 'older unfinished builds of the key are cancelled')
    .option('--max-run <time>', 'how long it may run, such as 30m', span)
    .option('--attempts <n>', 'attempts when machines fail', whole)
    .addOption(new Option('--expects <what>', 'what a success must bring').choices(['artifact', 'nothing']))
    .option('--not-before <time>', 'ISO time before which it does not start')
    .option('--queue-deadline <time>', 'fail it when it waited this long', span)
    .option('--fail-if-no-worker', 'refuse it when no registered worker could ever take it')
    .option('--idempotency-key <key>', 'the same key gives the same build again')
    .option('--wait', 'wait for its end; the exit code tells how it ended')
    .option('-f, --follow', 'wait and print its log')
    .option('--timeout <time>', 'stop waiting after this long (exit code 124)', span)
    .addHelpText('after', '\nExample:\n  muster builds submit . --platform linux --follow')
    .action(wire(submit));

  builds
    .command('list')
    .alias('ls')
    .description('builds, newest first')
    .option('--state <state>', 'one state, or several with commas')
    .option('--queue <name>')
    .option('--platform <platform>')
    .option('--tag <k=v>')
    .option('--worker <id>')
    .option('--since <time>', 'ISO time')
    .option('--limit <n>', 'at most 200', whole, 50)
    .option('--cursor <cursor>', 'where an earlier list ended')
    .addHelpText('after', '\nExample:\n  muster builds list --state running')
    .action(wire((context, options: BuildFilter & { limit: number; cursor?: string }) => list(context, options)));

  builds
    .command('show')
    .description('one build: where it stands, why it waits or failed, its attempts and artifacts')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  muster builds show bld_…')
    .action(wire(async (context, id: string) => show(context, await context.client.builds.get(id))));

  builds
    .command('logs')
    .alias('log')
    .description('what a build said')
    .argument('<id>')
    .option('-f, --follow', 'stay until the build is done')
    .option('--tail <n>', 'only the last lines', whole)
    .option('--attempt <n>', 'only this attempt', whole)
    .option('--grep <pattern>', 'only lines that match')
    .addHelpText('after', '\nExample:\n  muster builds logs bld_… -f')
    .action(
      wire(
        async (context, id: string, options: { follow?: boolean; tail?: number; attempt?: number; grep?: string }) => {
          const { grep, follow, ...rest } = options;
          const wanted = { ...rest, ...(grep === undefined ? {} : { grep: pattern(grep) }) };
          await context.client.builds.get(id);
          if (follow) judge(await followToEnd(context, id, wanted));
          else await printLog(context, id, wanted);
        },
      ),
    );

  builds
    .command('download')
    .description('fetch an artifact; its digest is checked')
    .argument('<id>')
    .argument('[artifact]', 'its name; without it the primary one')
    .option('-o, --output <file>', 'where to; - for stdout')
    .addHelpText('after', '\nExample:\n  muster builds download bld_… -o app.tgz')
    .action(wire(fetchArtifact));

  builds
    .command('cancel')
    .description('stop builds; a running one is told within a second')
    .argument('<ids...>')
    .option('--reason <text>')
    .addHelpText('after', '\nExample:\n  muster builds cancel bld_… --reason "wrong branch"')
    .action(
      wire(async (context, ids: string[], options: { reason?: string }) => {
        await sure(context, `Cancel ${ids.length === 1 ? `build ${ids[0]}` : `${ids.length} builds`}?`);
        for (const id of ids) {
          const build = await context.client.builds.cancel(id, options.reason);
          context.output.result(build, () => [`${id} ${context.output.state(build.state)}`]);
        }
      }),
    );

  builds
    .command('retry')
    .description('the same source once more, as a new build')
    .argument('<id>')
    .option('--priority <n>', 'of the new build', whole)
    .option('-f, --follow', 'wait and print its log')
    .addHelpText('after', '\nExample:\n  muster builds retry bld_… --follow')
    .action(
      wire(async (context, id: string, options: { priority?: number; follow?: boolean }) => {
        const build = await context.client.builds.retry(
          id,
          options.priority === undefined ? {} : { priority: options.priority },
        );
        await submitted(context, build, options);
      }),
    );

  builds
    .command('priority')
    .description('move a waiting build in its line')
    .argument('<id>')
    .addArgument(new Argument('<priority>', '-100 to 100, higher first').argParser(whole))
    .addHelpText('after', '\nExample:\n  muster builds priority bld_… 50')
    .action(
      wire(async (context, id: string, priority: number) =>
        show(context, await context.client.builds.change(id, { priority })),
      ),
    );

  builds
    .command('stats')
    .description('counts, waiting and running times, measured')
    .option('--window <time>', 'such as 24h', '24h')
    .addOption(new Option('--by <what>').choices(['queue', 'platform', 'worker']))
    .addHelpText('after', '\nExample:\n  muster builds stats --window 7d --by queue')
    .action(
      wire(async (context, options: { window: string; by?: string }) => {
        const stats = await context.client.builds.stats(options);
        if (context.output.json) return context.output.result(stats, () => []);
        context.output.list(
          stats.groups,
          [
            [stats.by?.toUpperCase() ?? 'ALL', (group) => group.group ?? 'all'],
            ['SUBMITTED', (group) => String(group.submitted)],
            ['FINISHED', (group) => String(group.finished)],
            ['SUCCESS', (group) => (group.successRate === null ? '–' : `${(group.successRate * 100).toFixed(0)} %`)],
            ['WAIT P50/P95', (group) => `${spanOf(group.waitMsP50)} / ${spanOf(group.waitMsP95)}`],
            ['RUN P50/P95', (group) => `${spanOf(group.runMsP50)} / ${spanOf(group.runMsP95)}`],
            ['WORKER TIME', (group) => duration(group.workerMs)],
          ],
          'No builds in this time.',
        );
      }),
    );
}

const spanOf = (ms: number | null): string => (ms === null ? '–' : duration(ms));

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new MusterError('invalid', {
      reason: 'bad_pattern',
      detail: `--grep: ${error instanceof Error ? error.message : text}`,
    });
  }
}

async function submit(context: Context, source: string, options: SubmitOptions): Promise<void> {
  const { client, output } = context;
  const { packSource } = await import('../source/pack.ts');
  await using packed = await packSource(source);
  output.note(
    `Sending ${bytes(packed.sizeBytes)}${packed.entries > 1 ? ` (${packed.entries} files)` : ''} to ${context.url}`,
  );
  const certs = options.certs === undefined ? undefined : await fileBlob(options.certs);
  const idempotencyKey = options.idempotencyKey ?? randomUUID();
  const bar = output.progress('upload');
  const build = await client.builds.submit(
    specOf(options, source),
    { source: await fileBlob(packed.file), ...(certs ? { certs } : {}) },
    { signal: context.signal, idempotencyKey, onProgress: (done, total) => bar(done, total) },
  );
  await submitted(context, build, options);
}

function specOf(options: SubmitOptions, source: string): BuildSpecInput & { failIfNoWorker?: boolean } {
  const secretEnv = Object.fromEntries(
    (options.secretEnv ?? []).map((name): [string, string] => {
      const value = process.env[name];
      if (value === undefined)
        throw new MusterError('invalid', {
          reason: 'variable_missing',
          detail: `--secret-env ${name}: this shell has no such variable.`,
        });
      return [name, value];
    }),
  );
  const folder = basename(source.replace(/\/+$/, ''));
  return {
    name: options.name ?? (folder === '.' || folder === '..' || folder === '' ? basename(process.cwd()) : folder),
    secretEnv,
    ...(options.queue ? { queue: options.queue } : {}),
    ...(options.platform ? { platform: options.platform } : {}),
    ...(options.label ? { requires: options.label } : {}),
    ...(options.tag ? { tags: options.tag } : {}),
    ...(options.env ? { env: options.env } : {}),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.task ? { task: options.task } : {}),
    ...(options.command ? { command: options.command } : {}),
    ...(options.concurrencyKey
      ? {
          concurrency: {
            key: options.concurrencyKey,
            limit: options.keyLimit ?? 1,
            mode: options.cancelOlder ? ('cancelOlder' as const) : ('queue' as const),
          },
        }
      : {}),
    ...(options.maxRun ? { maxRunMs: options.maxRun } : {}),
    ...(options.attempts ? { attemptsMax: options.attempts } : {}),
    ...(options.expects ? { expects: options.expects } : {}),
    ...(options.notBefore ? { notBefore: options.notBefore } : {}),
    ...(options.queueDeadline ? { queueDeadlineMs: options.queueDeadline } : {}),
    ...(options.failIfNoWorker ? { failIfNoWorker: true } : {}),
  };
}

async function fileBlob(path: string): Promise<Blob> {
  try {
    return await openAsBlob(path);
  } catch (error) {
    throw new MusterError('invalid', {
      reason: 'no_such_file',
      detail: `Cannot read ${path}: ${error instanceof Error ? error.message : 'unknown'}.`,
    });
  }
}

async function submitted(
  context: Context,
  build: Submitted,
  options: { wait?: boolean; follow?: boolean; timeout?: number },
): Promise<void> {
  const { output } = context;
  const waits = options.wait === true || options.follow === true;
  if (!waits || !output.json) {
    output.result(build, () => [
      `${build.id} ${output.state(build.state)}${build.waiting ? ` · ${build.waiting.detail}` : ''}`,
      ...(waits ? [] : [output.dim(`follow it: muster builds logs ${build.id} -f`)]),
    ]);
  }
  if (!waits) return;
  const onInterrupt = (): void =>
    output.note(
      `\nThe build goes on. Go on watching with: muster builds logs ${build.id} -f\nStop it with: muster builds cancel ${build.id}`,
    );
  context.signal.addEventListener('abort', onInterrupt, { once: true });
  const limit = options.timeout === undefined ? {} : { timeoutMs: options.timeout };
  const end = options.follow
    ? await followToEnd(context, build.id, limit)
    : await awaitEnd(context, build.id, options.timeout);
  context.signal.removeEventListener('abort', onInterrupt);
  output.result(end, () => endLines(context, end));
  judge(end);
}

function endLines(context: Context, build: Build): string[] {
  const ran =
    build.startedAt && build.finishedAt
      ? ` in ${duration(Date.parse(build.finishedAt) - Date.parse(build.startedAt))}`
      : '';
  return [
    `${build.id} ${context.output.state(build.state)}${ran}`,
    ...build.artifacts.map((artifact) => `  ${artifact.name}  ${bytes(artifact.sizeBytes)}  sha256 ${artifact.sha256}`),
  ];
}

async function list(context: Context, options: BuildFilter & { limit: number; cursor?: string }): Promise<void> {
  const page = await context.client.builds.list(options);
  const { output } = context;
  output.list<BuildSummary>(
    page.items,
    [
      ['ID', (build) => build.id],
      ['STATE', (build) => output.state(build.state)],
      ['QUEUE', (build) => build.queue],
      ['NAME', (build) => build.name ?? '–'],
      ['WORKER', (build) => build.workerName ?? '–'],
      ['SUBMITTED', (build) => ago(build.submittedAt)],
      ['WHY', (build) => build.waiting?.detail ?? build.failure?.detail ?? build.phase ?? ''],
    ],
    'No builds here.',
  );
  if (page.nextCursor) output.note(output.dim(`more: --cursor ${page.nextCursor}`));
}

function show(context: Context, build: Build): void {
  const { output } = context;
  output.result(build, () => [
    `${output.bold(build.id)} ${output.state(build.state)}${build.name ? ` · ${build.name}` : ''}`,
    `  queue ${build.queue} · platform ${build.platform} · priority ${build.priority}`,
    ...(build.waiting
      ? [
          `  waiting: ${build.waiting.detail}${build.position === null ? '' : ` · place ${build.position + 1}`}${build.etaMs === null ? '' : ` · about ${duration(build.etaMs)}`}`,
        ]
      : []),
    ...(build.failure
      ? [
          `  failed: ${build.failure.detail} (${build.failure.code}, ${build.failure.attribution})`,
          `  next: ${build.failure.remedy}`,
        ]
      : []),
    `  submitted ${ago(build.submittedAt)} by ${build.submittedBy}`,
    ...build.attempts.map(
      (attempt) =>
        `  attempt ${attempt.term} on ${attempt.workerName ?? attempt.workerId}: ${attempt.outcome ?? 'running'} · ${duration(attempt.workerMs)} · ${attempt.logLines} lines${attempt.failure ? ` · ${attempt.failure.detail}` : ''}`,
    ),
    ...build.artifacts.map(
      (artifact) =>
        `  ${artifact.primary ? '*' : ' '} ${artifact.name}  ${bytes(artifact.sizeBytes)}  sha256 ${artifact.sha256}`,
    ),
  ]);
}

async function fetchArtifact(
  context: Context,
  id: string,
  name: string | undefined,
  options: { output?: string },
): Promise<void> {
  const { client, output } = context;
  const build = await client.builds.get(id);
  const artifact = build.artifacts.findLast((candidate) =>
    name === undefined ? candidate.primary : candidate.name === name,
  );
  if (!artifact) {
    const names = build.artifacts.map((candidate) => candidate.name).join(', ');
    throw new MusterError('notFound', {
      reason: 'no_artifact',
      detail: `Build ${id} (${build.state}) has no artifact${name ? ` ${name}` : ''}${names ? `; it has ${names}` : ''}.`,
    });
  }
  const target = options.output ?? artifact.name;
  const hash = createHash('sha256');
  const bar = output.progress(artifact.name);
  if (target === '-') {
    await client.builds.download(id, artifact.name, (chunk) => void (hash.update(chunk), process.stdout.write(chunk)), {
      signal: context.signal,
      onProgress: bar,
    });
    return checkDigest(hash.digest('hex'), artifact.sha256);
  }
  // Written beside and renamed: a file under the wanted name is always whole.
  const part = `${target}.part`;
  const file = await open(part, 'w');
  try {
    await client.builds.download(
      id,
      artifact.name,
      async (chunk) => {
        hash.update(chunk);
        await file.write(chunk);
      },
      { signal: context.signal, onProgress: bar },
    );
    checkDigest(hash.digest('hex'), artifact.sha256);
    await file.close();
    await rename(part, target);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
  output.result({ ...artifact, file: target }, () => [
    `${target}  ${bytes(artifact.sizeBytes)}  sha256 ${artifact.sha256}`,
  ]);
}

function checkDigest(got: string, wanted: string): void {
  if (got === wanted) return;
  throw new MusterError('internal', {
    reason: 'digest_mismatch',
    detail: `The bytes that arrived have sha256 ${got}, the server stored ${wanted}.`,
  });
}
