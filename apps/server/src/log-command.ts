import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type ErrorCode, MusterError } from '@muster/protocol';
import { ConfigError, type Read } from '#config';
import { conflict, invalid, notFound, systemClock } from '#kernel/base';
import { createDb } from '#kernel/db';
import { acceptLogLoss, type InspectOptions, inspectLog, type LogReport } from '#kernel/log';
import type { Telemetry } from '#kernel/telemetry';
import { logPlace } from './compose.ts';
import { reportLines } from './log-report.ts';
import { nodeName, openDatabase } from './open-database.ts';
import { Phases } from './phases.ts';
import { noStartLines } from './start-lines.ts';

/** What the shell sees; the CLI's numbers. 1: a start needs an operator. */
const needsOperator = 1;
const exitCodes: Record<ErrorCode, number> = {
  invalid: 2,
  unauthenticated: 3,
  forbidden: 3,
  notFound: 4,
  conflict: 5,
  exhausted: 6,
  unavailable: 7,
  internal: 8,
};
const interrupted = 130;

export type LogCommand = {
  verb: string | undefined;
  json: boolean;
  /** Accept what is found without asking. */
  yes: boolean;
  say: (text: string) => void;
  complain: (text: string) => void;
};

/** `log inspect | accept-loss`, with the server down: answers the exit code. */
export async function runLogCommand(read: Read, telemetry: Telemetry, command: LogCommand): Promise<number> {
  const { verb, json, complain } = command;
  if (verb !== 'inspect' && verb !== 'accept-loss') {
    complain('Use: log inspect [--json] | log accept-loss [--yes] [--json]\n');
    return exitCodes.invalid;
  }
  const up = new Phases(telemetry, noStartLines, systemClock);
  try {
    return await up.orUndo(async () => {
      await using _ = up.lifecycle;
      const options = await open(up, read, telemetry);
      return verb === 'inspect' ? await inspect(options, command) : await acceptLoss(options, read, command);
    });
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof MusterError)) throw error;
    const { code, reason, message, extra } = error;
    complain(json ? `${JSON.stringify({ ...extra, code, reason, detail: message })}\n` : `${message}\n`);
    return exitCodes[code];
  }
}

/** The database as it is: no cluster is made, no migration runs. */
async function open(up: Phases, read: Read, telemetry: Telemetry): Promise<InspectOptions> {
  const { config, secrets } = read;
  const { dataDir } = config.base;
  // Where a server has been, it has left word of its database; elsewhere opening one would make it.
  if (secrets.databaseUrl === undefined && !existsSync(join(dataDir, 'database.json')))
    throw notFound('database_missing', `There is no database in ${dataDir}. Name the folder with --data.`);
  const { connection } = await openDatabase(up, read, telemetry, {
    clock: systemClock,
    given: undefined,
    schema: 'as-it-is',
  });
  const { statementTimeoutMs, startTimeoutMs } = config.database;
  const logger = telemetry.logger.child({ room: 'db' });
  const db = createDb({
    ...connection,
    poolMax: 2,
    statementTimeoutMs,
    startTimeoutMs,
    applicationName: 'muster log',
    clock: systemClock,
    logger,
  });
  await up.start('connections', db);
  const { dir, limits } = logPlace(config);
  return { dir, db, limits };
}

async function inspect(options: InspectOptions, { json, say }: LogCommand): Promise<number> {
  const report = await inspectLog(options);
  say(json ? `${JSON.stringify(report)}\n` : reportLines(report));
  return report.needs === 'nothing' ? 0 : needsOperator;
}

async function acceptLoss(options: InspectOptions, read: Read, command: LogCommand): Promise<number> {
  const { json, yes, say } = command;
  const report = await inspectLog(options);
  if (report.owner?.live && report.needs !== 'nothing' && report.needs !== 'help') checkOwner(report, read);
  if (!json) say(reportLines(report));
  if (report.needs === 'loss' || report.needs === 'restored') {
    if (!yes && !(await sure(json))) {
      if (!json) say('Nothing was changed.\n');
      return interrupted;
    }
  }
  const url = read.config.base.publicUrl ?? '';
  const node = { id: nodeName(read.config), url };
  const { before, after } = await acceptLogLoss({ ...options, fingerprint: report.fingerprint, node });
  if (json) say(`${JSON.stringify({ accepted: before.needs, before, after })}\n`);
  else if (before.needs === 'nothing') say('Nothing has to be accepted: the server starts as it is.\n');
  else say(`Accepted. The log is now: ${after.detail}\nStart the server.\n`);
  return after.needs === 'nothing' ? 0 : needsOperator;
}

/** A right that has not run out is waited for by a start; here it is said at once. */
function checkOwner({ owner }: LogReport, { config }: Read): void {
  if (!owner || owner.name.startsWith(`${nodeName(config)}-`)) return;
  throw conflict(
    'log_owned',
    `Another server (${owner.name}${owner.url ? `, ${owner.url}` : ''}) is running on this database. Stop it first.`,
  );
}

async function sure(json: boolean): Promise<boolean> {
  if (json || !process.stdin.isTTY)
    throw invalid('confirmation_needed', 'Say --yes to accept this: there is no terminal to ask on.');
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await ask.question('Accept this? Type "accept": ')).trim() === 'accept';
  } finally {
    ask.close();
  }
}
