import { statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { MusterError } from '@muster/protocol/errors';
import { type Context, installationRoot } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';
import { bytes, duration } from '../shell/output.ts';

type Check = { name: string; status: 'pass' | 'warn' | 'fail'; value: string; remedy?: string };

/** Each check stands alone, so one that cannot look does not hide the others. */
export async function runDoctor(context: Context): Promise<void> {
  const checks: Check[] = [];
  for (const look of [node, memory, disk, port, server, credential, serverHealth, limits]) {
    try {
      checks.push(...(await look(context)));
    } catch (error) {
      checks.push({ name: look.name, status: 'fail', value: error instanceof Error ? error.message : String(error) });
    }
  }
  const { output } = context;
  const marks = { pass: '✓', warn: '!', fail: '✗' };
  output.list(
    checks,
    [
      ['', (check) => (check.status === 'pass' ? marks.pass : output.warn(marks[check.status]))],
      ['CHECK', (check) => check.name],
      ['FOUND', (check) => check.value],
      ['WHAT HELPS', (check) => check.remedy ?? ''],
    ],
    '',
  );
  if (checks.some((check) => check.status === 'fail')) throw new Ended(exitCodes.runFailed, 'Some checks failed.');
}

async function node(): Promise<Check[]> {
  const good = Number(process.versions.node.split('.')[0]) >= 24;
  return [
    {
      name: 'node',
      status: good ? 'pass' : 'fail',
      value: process.versions.node,
      ...(good ? {} : { remedy: 'Node 24 or newer' }),
    },
  ];
}

async function memory(): Promise<Check[]> {
  const good = totalmem() >= 900 * 2 ** 20;
  return [
    {
      name: 'memory',
      status: good ? 'pass' : 'warn',
      value: `${bytes(freemem())} free of ${bytes(totalmem())}, ${availableParallelism()} cores`,
      ...(good ? {} : { remedy: 'at least 1 GiB is comfortable' }),
    },
  ];
}

async function disk(): Promise<Check[]> {
  const path = process.env['MUSTER_DATA_DIR'] ?? installationRoot;
  const facts = await statfs(path);
  const free = facts.bavail * facts.bsize;
  const status = free < 2 ** 30 ? 'fail' : free < 5 * 2 ** 30 ? 'warn' : 'pass';
  const inodes: Check[] =
    facts.files > 0 && facts.ffree / facts.files < 0.05
      ? [{ name: 'inodes', status: 'warn', value: `${facts.ffree} free`, remedy: 'remove small files' }]
      : [];
  return [
    {
      name: 'free disk',
      status,
      value: bytes(free),
      ...(status === 'pass' ? {} : { remedy: 'uploads are refused below 2 GiB; free some space' }),
    },
    ...inodes,
  ];
}

async function port(context: Context): Promise<Check[]> {
  const url = new URL(context.url);
  const number = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const taken = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: url.hostname, port: number, timeout: 2_000 });
    const tell = (answers: boolean): void => {
      resolve(answers);
      // Left open it would keep the command alive until the server closes it.
      socket.destroy();
    };
    socket
      .once('connect', () => tell(true))
      .once('error', () => tell(false))
      .once('timeout', () => tell(false));
  });
  return [
    {
      name: 'port',
      status: taken ? 'pass' : 'warn',
      value: `${url.host} ${taken ? 'answers' : 'is silent'}`,
      ...(taken ? {} : { remedy: 'start the server: muster start' }),
    },
  ];
}

async function server(context: Context): Promise<Check[]> {
  const began = performance.now();
  const answer = await context.client.connection.send('GET', '/ready', { accept: [503], signal: context.signal });
  const body = (await answer.json()) as { reasons?: string[] };
  const tookMs = performance.now() - began;
  return [
    {
      name: 'ready',
      status: answer.status === 200 ? 'pass' : 'fail',
      value: answer.status === 200 ? `yes, in ${duration(tookMs)}` : `no: ${(body.reasons ?? []).join(', ')}`,
    },
  ];
}

async function credential(context: Context): Promise<Check[]> {
  try {
    const me = await context.client.connection.call<{ name?: string; scopes?: string[] }>('GET', '/v1/me', {
      signal: context.signal,
    });
    return [{ name: 'key', status: 'pass', value: `${me.name ?? 'valid'}: ${(me.scopes ?? []).join(' ')}` }];
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== 'unauthenticated') throw error;
    return [{ name: 'key', status: 'fail', value: error.message, remedy: 'muster login, or MUSTER_API_KEY' }];
  }
}

async function serverHealth(context: Context): Promise<Check[]> {
  const before = Date.now();
  const health = await context.client.connection.call<{
    status: string;
    timestamp: string;
    database: string;
    log: { fsync: string; flushLagMs: number; quarantinedFiles: number };
  }>('GET', '/health', { signal: context.signal });
  const skewMs = Math.abs(Date.parse(health.timestamp) - (before + Date.now()) / 2);
  return [
    { name: 'health', status: health.status === 'ok' ? 'pass' : 'warn', value: health.status },
    { name: 'database', status: health.database === 'healthy' ? 'pass' : 'fail', value: health.database },
    {
      name: 'log sync',
      status: health.log.fsync === 'commit' ? 'pass' : 'warn',
      value: health.log.fsync,
      ...(health.log.fsync === 'commit'
        ? {}
        : { remedy: 'acknowledged data may be lost with power; set MUSTER_LOG_FSYNC=commit' }),
    },
    {
      name: 'log flush',
      status: health.log.flushLagMs < 30_000 ? 'pass' : 'warn',
      value: `${duration(health.log.flushLagMs)} behind`,
    },
    {
      name: 'damaged files',
      status: health.log.quarantinedFiles === 0 ? 'pass' : 'fail',
      value: String(health.log.quarantinedFiles),
    },
    {
      name: 'clock',
      status: skewMs < 1_000 ? 'pass' : 'warn',
      value: `${duration(skewMs)} apart`,
      ...(skewMs < 1_000 ? {} : { remedy: 'set the clock of this machine' }),
    },
  ];
}

async function limits(context: Context): Promise<Check[]> {
  const { items } = await context.client.connection.call<{
    items: { name: string; value: number; present: number | null; setting?: string }[];
  }>('GET', '/v1/limits', { signal: context.signal });
  const near = items.filter((limit) => limit.present !== null && limit.present > limit.value * 0.8);
  return near.length === 0
    ? [{ name: 'limits', status: 'pass', value: `${items.length} bounds, none above 80 %` }]
    : near.map((limit) => ({
        name: `limit ${limit.name}`,
        status: 'warn' as const,
        value: `${limit.present} of ${limit.value}`,
        ...(limit.setting ? { remedy: `raise ${limit.setting}` } : {}),
      }));
}
