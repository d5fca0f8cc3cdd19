import { open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Connection, clientConfig } from '../pool/connection.ts';
import { isStoreDown } from '../pool/store-errors.ts';
import { readIfThere } from './files.ts';

/** The number initdb drew for a cluster: the first eight bytes of its control file. */
async function systemIdentifier(dataFolder: string): Promise<string> {
  const file = await open(join(dataFolder, 'global', 'pg_control'), 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return (littleEndian() ? buffer.readBigUInt64LE() : buffer.readBigUInt64BE()).toString();
  } finally {
    await file.close();
  }
}

const littleEndian = (): boolean => new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

export async function clusterMajor(dataFolder: string): Promise<number | undefined> {
  const text = await readIfThere(join(dataFolder, 'PG_VERSION'));
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** The process id Postgres wrote down; it means nothing until something else confirms it. */
export async function writtenPid(dataFolder: string): Promise<number | undefined> {
  const first = Number((await readIfThere(join(dataFolder, 'postmaster.pid')))?.split('\n')[0]);
  return Number.isInteger(first) && first > 0 ? first : undefined;
}

/** On Windows the port is drawn anew by each start; a running server wrote its own into line 4. */
export async function writtenPort(dataFolder: string): Promise<number | undefined> {
  const port = Number((await readIfThere(join(dataFolder, 'postmaster.pid')))?.split('\n')[3]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

/** What a server that answers says about itself. */
type Self = { pid: number; dataFolder: string; system: string; version: string; settings: string | null };

export type Answer =
  | { kind: 'nobody' }
  | { kind: 'busy' }
  | { kind: 'stranger'; why: string }
  | { kind: 'self'; self: Self };

/**
 * Asks whoever answers at `connection` who it is. Only a server that takes our password and has our cluster's number
 * and folder is ours; a process id or a socket alone proves nothing.
 */
export async function askIdentity(connection: Connection, dataFolder: string): Promise<Answer> {
  const client = new Client({
    ...clientConfig(connection, { applicationName: 'muster-supervisor', connectTimeoutMs: 5_000 }),
    query_timeout: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<Omit<Self, 'pid'> & { pidfile: string }>(`
      select current_setting('data_directory') as "dataFolder", s.system_identifier::text as system,
             current_setting('server_version') as version, current_setting('muster.settings', true) as settings,
             pg_read_file('postmaster.pid') as pidfile
        from pg_control_system() s`);
    const [row] = rows;
    if (!row) return { kind: 'stranger', why: 'it does not say who it is' };
    return await compareSelf({ ...row, pid: Number(row.pidfile.split('\n')[0]) }, dataFolder);
  } catch (error) {
    if (!isStoreDown(error)) return { kind: 'stranger', why: error instanceof Error ? error.message : String(error) };
    const starting = error instanceof Error && 'code' in error && error.code === '57P03';
    return { kind: starting ? 'busy' : 'nobody' };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function compareSelf(self: Self, dataFolder: string): Promise<Answer> {
  const own = await systemIdentifier(dataFolder);
  if (self.system !== own) return { kind: 'stranger', why: `its cluster is ${self.system}, ours is ${own}` };
  const [its, ours] = await Promise.all([realpath(self.dataFolder).catch(() => self.dataFolder), realpath(dataFolder)]);
  if (its !== ours) return { kind: 'stranger', why: `it works in ${its}` };
  return { kind: 'self', self };
}

/** How long a file is, zero when there is none. */
export const lengthOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;
