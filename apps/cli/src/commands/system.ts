import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Client, everyItem } from '@muster/client';
import type { BuildSummary } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import type { Command } from 'commander';
import { type Context, installationRoot, version } from '../shell/context.ts';
import { Ended } from '../shell/exit-codes.ts';
import { duration } from '../shell/output.ts';
import { removeProfile, writeProfile } from '../shell/profile.ts';
import type { Wire } from './builds.ts';
import { runDoctor } from './doctor.ts';

type Health = {
  status: string;
  version: string;
  uptimeMs: number;
  database: string;
  queue: { pending: number; active: number };
  log: { ackMeans: string; flushLagMs: number };
};

export function addSystem(program: Command, wire: Wire): void {
  program
    .command('start')
    .alias('up')
    .description('run the server here; every flag is a setting')
    .addHelpText('after', '\nExample:\n  muster start --port 4100')
    .allowUnknownOption()
    .helpOption(false)
    .argument('[words...]')
    .action(wire((_context, words: string[]) => start(words)));

  program
    .command('status')
    .description('what runs, what waits, and whether the server is well')
    .addHelpText('after', '\nExample:\n  muster status')
    .action(wire(status));

  program
    .command('doctor')
    .description('check this machine and the server; works with the server down')
    .addHelpText('after', '\nExample:\n  muster doctor --json')
    .action(wire(runDoctor));

  program
    .command('login')
    .description('keep a server and a key for later commands (0600)')
    .addHelpText('after', '\nExample:\n  muster login --server https://muster.example --key -')
    .action(wire(login));

  program
    .command('logout')
    .description('forget what login kept')
    .addHelpText('after', '\nExample:\n  muster logout')
    .action(wire(async (context) => context.output.result({ removed: removeProfile() }, () => ['Forgotten.'])));

  program
    .command('whoami')
    .description('which server, which key, which scopes')
    .addHelpText('after', '\nExample:\n  muster whoami')
    .action(
      wire(async (context) => {
        const me = await context.client.connection.call<{
          kind: string;
          name?: string;
          keyId?: string;
          projectId: string;
          scopes?: string[];
        }>('GET', '/v1/me', { signal: context.signal });
        context.output.result({ server: context.url, ...me }, () => [
          `${me.name ?? me.keyId ?? me.kind} at ${context.url}`,
          `  project ${me.projectId}`,
          `  ${(me.scopes ?? []).join(' ')}`,
        ]);
      }),
    );

  program
    .command('limits')
    .description('every bound of the server, with its present use')
    .addHelpText('after', '\nExample:\n  muster limits')
    .action(
      wire(async (context) => {
        const { items } = await context.client.connection.call<{
          items: {
            name: string;
            value: number;
            unit: string;
            present: number | null;
            setting?: string;
            whenFull: string;
          }[];
        }>('GET', '/v1/limits', { signal: context.signal });
        context.output.list(
          items,
          [
            ['LIMIT', (limit) => limit.name],
            ['VALUE', (limit) => `${limit.value} ${limit.unit}`],
            ['NOW', (limit) => (limit.present === null ? '–' : String(limit.present))],
            ['SETTING', (limit) => limit.setting ?? '–'],
            ['WHEN FULL', (limit) => limit.whenFull],
          ],
          'No limits.',
        );
      }),
    );

  program
    .command('api')
    .description('any call of the API, with your key')
    .argument('<method>')
    .argument('<path>')
    .option('-d, --data <json>', 'request body')
    .addHelpText('after', '\nExample:\n  muster api GET /v1/builds')
    .action(
      wire(async (context, method: string, path: string, options: { data?: string }) => {
        const answer = await context.client.connection.send(method.toUpperCase(), path, {
          signal: context.signal,
          ...(options.data === undefined
            ? {}
            : { body: options.data, headers: { 'content-type': 'application/json' } }),
        });
        context.output.raw(`${await answer.text()}\n`);
      }),
    );

  program
    .command('version')
    .description('of this CLI')
    .addHelpText('after', '\nExample:\n  muster version --json')
    .action(wire(async (context) => context.output.result({ version }, () => [version])));
}

async function start(words: string[]): Promise<void> {
  const child = spawn(process.execPath, [join(installationRoot, 'bin', 'start.mjs'), ...words], { stdio: 'inherit' });
  const hand = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGTERM', hand);
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
  process.off('SIGTERM', hand);
  if (code !== 0) throw new Ended(code, `The server ended with ${code}.`);
}

async function status(context: Context): Promise<void> {
  const { client, output, signal } = context;
  const health = await client.connection.call<Health>('GET', '/health', { signal });
  const queues = await client.queues.list();
  const workers = await everyItem((page) => client.workers.list(page));
  const running = await client.builds.list({ state: 'assigned,running,cancelling', limit: 20 });
  const waits = queues.items.some((queue) => queue.depth > 0);
  const waiting = waits ? (await client.builds.list({ state: 'queued', limit: 200 })).items : [];
  const online = workers.filter((worker) => worker.state !== 'offline');
  output.result({ server: context.url, health, queues: queues.items, workers, running: running.items, waiting }, () => [
    `${context.url} ${output.state(health.status)} · version ${health.version} · up ${duration(health.uptimeMs)}`,
    `  database ${health.database} · log ${health.log.ackMeans}, ${duration(health.log.flushLagMs)} behind in Postgres`,
    `  workers ${online.length} online of ${workers.length} · seats ${online.reduce((sum, worker) => sum + worker.seatsFree, 0)} free of ${online.reduce((sum, worker) => sum + worker.seats, 0)}`,
    ...queues.items.map(
      (queue) =>
        `  queue ${queue.name}: ${queue.depth} waiting, ${queue.running} running${queue.paused ? output.warn(` · paused: ${queue.paused.reason}`) : ''}`,
    ),
    ...whyWaiting(waiting).map(
      ({ first, count }) =>
        `  ${output.warn('waiting')}: ${first.waiting?.detail ?? 'in line'} · ${count === 1 ? first.id : `${count} builds, the first is ${first.id}`}`,
    ),
    ...running.items.map(
      (build) =>
        `  ${build.id} ${output.state(build.state)} ${build.name ?? ''} on ${build.workerName ?? '–'}${build.phase ? ` · ${build.phase}` : ''}`,
    ),
  ]);
}

/** One line for each reason and platform, with the build that has waited longest for it. `builds` are newest first. */
function whyWaiting(builds: readonly BuildSummary[]): { first: BuildSummary; count: number }[] {
  const groups = Map.groupBy(builds, (build) => `${build.waiting?.reason} ${build.platform}`);
  return [...groups.values()].flatMap((group) => {
    const first = group.at(-1);
    return first ? [{ first, count: group.length }] : [];
  });
}

async function login(context: Context): Promise<void> {
  const key = context.givenKey ?? (await askKey(context));
  const client = new Client({ url: context.url, credential: key });
  const me = await client.connection.call<{ name?: string }>('GET', '/v1/me', { signal: context.signal });
  const file = writeProfile({ url: context.url, key });
  context.output.result({ server: context.url, file }, () => [
    `Signed in to ${context.url} as ${me.name ?? 'key'}; kept in ${file}.`,
  ]);
}

async function askKey(context: Context): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new MusterError('invalid', {
      reason: 'no_terminal',
      detail: 'There is no terminal to ask on. Give the key with: muster login --key - < file',
    });
  }
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  const key = (await ask.question(`API key for ${context.url}: `, { signal: context.signal })).trim();
  ask.close();
  if (key === '') throw new MusterError('invalid', { reason: 'no_credential', detail: 'No key was given.' });
  return key;
}
