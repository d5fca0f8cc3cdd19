import { Client } from 'pg';
import { type Connection, clientConfig } from '../pool/connection.ts';
import { refusal } from './refusal.ts';

/** What a server does before it says "written". */
export type Durability = { fsync: boolean; fullPageWrites: boolean; synchronousCommit: string; checksums: boolean };

/**
 * Reads what the server really runs with.
 *
 * @throws unavailable `postgres_not_durable` when an acknowledged write could be lost
 */
export async function readDurability(connection: Connection): Promise<Durability> {
  const durability = await onServer(connection, async (client) => {
    const { rows } = await client.query<Durability>(`
      select current_setting('fsync')::bool as fsync, current_setting('full_page_writes')::bool as "fullPageWrites",
             current_setting('synchronous_commit') as "synchronousCommit", current_setting('data_checksums')::bool as checksums`);
    return rows[0];
  });
  const holds = durability?.fsync && durability.fullPageWrites && durability.synchronousCommit !== 'off';
  if (!durability || !holds) {
    throw refusal(
      'postgres_not_durable',
      `Postgres runs with fsync, full_page_writes or synchronous_commit off (${JSON.stringify(durability)}), so what it acknowledges could be lost.`,
      'Remove these settings from the configuration in the cluster folder and start again.',
    );
  }
  return durability;
}

/** Makes our database in a cluster that has none yet. */
export async function ensureDatabase(connection: Connection, name: string): Promise<void> {
  await onServer(connection, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (!rowCount) await client.query(`create database ${client.escapeIdentifier(name)}`);
  });
}

async function onServer<T>(connection: Connection, act: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(
    clientConfig(connection, { applicationName: 'muster-supervisor', connectTimeoutMs: 5_000 }),
  );
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
