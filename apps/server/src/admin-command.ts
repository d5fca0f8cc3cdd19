import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, MusterError } from '@muster/protocol';
import { createByHand, endSignInsByHand, listByHand, promoteByHand, resetByHand, unlockByHand } from '#accounts';
import { ConfigError, type Read } from '#config';
import { notFound, systemClock } from '#kernel/base';
import { type Connection, createDb, type PoolDb, requireMigrated, runningDatabase } from '#kernel/db';
import type { Telemetry } from '#kernel/telemetry';
import { openDatabase } from './open-database.ts';
import { Phases } from './phases.ts';
import { noStartLines } from './start-lines.ts';
import { version } from './version.ts';

/** What the shell sees; the CLI's numbers. */
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

export type AdminCommand = {
  /** `create <email> [name]`, and so on. */
  words: readonly string[];
  json: boolean;
  removeSecondFactor: boolean;
  say: (text: string) => void;
  complain: (text: string) => void;
};

const usage = `Use: admin list
     admin create <email> [name]
     admin reset-password <email> [--remove-second-factor]
     admin end-sign-ins <email>
     admin promote <email>
     admin unlock
`;

type Here = { db: PoolDb; base: string };
type Said = { result: unknown; text: string };

/** People, with the rights of whoever may read the data folder: no network, whether or not the server runs. Answers the exit code. */
export async function runAdminCommand(read: Read, telemetry: Telemetry, command: AdminCommand): Promise<number> {
  const { json, complain, say } = command;
  const act = actOf(command);
  if (!act) {
    complain(usage);
    return exitCodes.invalid;
  }
  const up = new Phases(telemetry, noStartLines, systemClock);
  try {
    return await up.orUndo(async () => {
      await using _ = up.lifecycle;
      const { result, text } = await act(await open(up, read, telemetry));
      say(json ? `${JSON.stringify(result)}\n` : text);
      return 0;
    });
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof MusterError)) throw error;
    const { code, reason, message, extra } = error;
    complain(json ? `${JSON.stringify({ ...extra, code, reason, detail: message })}\n` : `${message}\n`);
    return exitCodes[code];
  }
}

/** The database of the server that runs, or, where none does, one that is started for this and stopped again. No migration runs. */
async function open(up: Phases, read: Read, telemetry: Telemetry): Promise<Here> {
  const { config, secrets } = read;
  const { dataDir, publicUrl, basePath, host, port } = config.base;
  const { ssl, postgresUser, statementTimeoutMs, startTimeoutMs } = config.database;
  if (secrets.databaseUrl === undefined && !existsSync(join(dataDir, 'database.json')))
    throw notFound('database_missing', `There is no database in ${dataDir}. Name the folder with --data.`);
  const running = await runningDatabase(dataDir, { databaseUrl: secrets.databaseUrl, ssl, postgresUser });
  const logger = telemetry.logger.child({ room: 'db' });
  let connection: Connection;
  if (running) {
    ({ connection } = running);
    await requireMigrated({ connection, clock: systemClock, serverVersion: version, logger });
  } else {
    const options = { clock: systemClock, given: undefined, schema: 'as-it-is' } as const;
    ({ connection } = await openDatabase(up, read, telemetry, options));
  }
  const db = createDb({
    ...connection,
    poolMax: 2,
    statementTimeoutMs,
    startTimeoutMs,
    applicationName: 'muster admin',
    clock: systemClock,
    logger,
  });
  await up.start('connections', db);
  const base =
    publicUrl === undefined
      ? (running?.url ?? `http://${host}:${port}${basePath}`)
      : new URL(publicUrl).origin + basePath;
  return { db, base };
}

function actOf({ words, removeSecondFactor }: AdminCommand): ((here: Here) => Promise<Said>) | undefined {
  const [verb, email, name, ...more] = words;
  if (verb === undefined || more.length > 0 || (name !== undefined && verb !== 'create')) return undefined;
  if (email === undefined) {
    if (verb === 'list') return list;
    return verb === 'unlock' ? unlock : undefined;
  }
  switch (verb) {
    case 'create':
      return (here) => create(here, email, name);
    case 'reset-password':
      return (here) => reset(here, email, removeSecondFactor);
    case 'end-sign-ins':
      return (here) => endSignIns(here, email);
    case 'promote':
      return (here) => promote(here, email);
    default:
      return undefined;
  }
}

const deps = ({ db }: Here): { db: PoolDb; clock: typeof systemClock } => ({ db, clock: systemClock });

async function create(here: Here, email: string, name: string | undefined): Promise<Said> {
  const { token, ...made } = await createByHand(deps(here), { email, name });
  const url = `${here.base}/reset/${token}`;
  return {
    result: { ...made, url },
    text: `${made.id} ${made.email} administers the installation and the project default.\nThe link to choose a password, once, until ${made.expiresAt.toISOString()}:\n${url}\n`,
  };
}

async function reset(here: Here, email: string, removeSecondFactor: boolean): Promise<Said> {
  const { token, ...made } = await resetByHand(deps(here), { email, removeSecondFactor });
  const url = `${here.base}/reset/${token}`;
  const removed = made.secondFactorRemoved ? ' The second factor is off.' : '';
  return {
    result: { ...made, url },
    text: `The link to choose a new password for ${made.email}, once, until ${made.expiresAt.toISOString()}.${removed}\n${url}\n`,
  };
}

async function endSignIns(here: Here, email: string): Promise<Said> {
  const result = await endSignInsByHand(deps(here), email);
  return { result, text: `${result.ended} sign-ins of ${email} ended. Pages that are open notice within a minute.\n` };
}

async function promote(here: Here, email: string): Promise<Said> {
  const result = await promoteByHand(deps(here), email);
  return { result, text: `${email} administers the installation and the project default.\n` };
}

async function unlock(here: Here): Promise<Said> {
  const result = await unlockByHand(deps(here));
  return { result, text: `${result.forgotten} wrong passwords and codes are forgotten.\n` };
}

async function list(here: Here): Promise<Said> {
  const items = await listByHand(deps(here));
  const rows = items.map(({ email, name, installationAdmin, hasPassword, secondFactor, signIns, projects }) =>
    [
      email,
      name,
      installationAdmin ? 'administers the installation' : '',
      projects.map((project) => `${project.name}: ${project.role}`).join(', '),
      hasPassword ? '' : 'no password yet',
      secondFactor ? 'second factor' : '',
      `signed in ${signIns}×`,
    ]
      .filter((part) => part !== '')
      .join('  '),
  );
  return { result: { items }, text: rows.length === 0 ? 'Nobody is here yet.\n' : `${rows.join('\n')}\n` };
}
