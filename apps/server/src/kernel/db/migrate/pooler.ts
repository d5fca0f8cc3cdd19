import { Client } from 'pg';
import { conflict, randomToken } from '#kernel/base';
import { type Connection, clientConfig } from '../pool/connection.ts';

const rounds = 6;

/**
 * Refuses a pooler that hands a session's statements to changing server connections: locks, prepared statements and
 * LISTEN would land anywhere. A direct connection is told by the process id of the greeting being the true one. Behind a
 * pooler two clients are opened at once: what one sets or uses must never appear at the other.
 *
 * @throws conflict `pooler_in_transaction_mode`
 */
export async function refuseTransactionPooler(client: Client, connection: Connection): Promise<void> {
  const greeted = 'processID' in client ? client.processID : undefined;
  const pid = await backendPid(client);
  if (greeted === pid) return;
  const other = new Client(clientConfig(connection, { applicationName: 'muster-migrate', connectTimeoutMs: 10_000 }));
  other.on('error', () => undefined);
  try {
    await other.connect();
    for (let round = 0; round < rounds; round++) {
      if ((await isShared(client, other)) || (await isShared(other, client)) || (await backendPid(client)) !== pid)
        throw refused();
    }
  } finally {
    await other.end().catch(() => undefined);
  }
}

async function isShared(one: Client, other: Client): Promise<boolean> {
  const mark = randomToken(8);
  await one.query(`select set_config('muster.probe', $1, false)`, [mark]);
  const { rows } = await other.query<{ seen: string | null }>(`select current_setting('muster.probe', true) as seen`);
  return rows[0]?.seen === mark;
}

async function backendPid(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid;
}

const refused = (): Error =>
  conflict(
    'pooler_in_transaction_mode',
    'DATABASE_URL leads through a connection pooler in transaction mode, where locks, prepared statements and LISTEN do not work. ' +
      'Set its pool_mode to session for this database, or give the address of Postgres itself.',
  );
