import type { ClientConfig } from 'pg';
import { wireTypes } from './wire-types.ts';

/** `require` encrypts without checking the certificate; `verify` checks it against the system's roots. */
export type SslMode = 'off' | 'require' | 'verify';

/** Where Postgres is. `host` may be a folder: then the Unix socket of `port` inside it is used. */
export type Connection = { ssl?: SslMode } & (
  | { connectionString: string }
  | { host: string; port: number; user: string; password: string; database: string }
);

/** All objects of ours live here, so sharing a database with another program harms nobody. */
export const schemaName = 'muster';

/** What a connection says about itself in `pg_stat_activity`, and how long it waits for the server to answer. */
export type ClientOptions = { applicationName: string; connectTimeoutMs: number };

const sslOf: Record<SslMode, Exclude<ClientConfig['ssl'], undefined>> = {
  off: false,
  require: { rejectUnauthorized: false },
  verify: true,
};

/** The driver's options for one connection. A target in parts says everything, so that `PG*` variables decide nothing. */
export function clientConfig(connection: Connection, options: ClientOptions): ClientConfig {
  const target =
    'connectionString' in connection
      ? { connectionString: connection.connectionString.replace(/^ecto:/, 'postgresql:') }
      : { ...pick(connection), ssl: sslOf[connection.ssl ?? 'off'] };
  return {
    ...target,
    ...(connection.ssl === undefined ? {} : { ssl: sslOf[connection.ssl] }),
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: wireTypes,
  };
}

function pick(connection: Extract<Connection, { host: string }>): ClientConfig {
  const { host, port, user, password, database } = connection;
  return { host, port, user, password, database };
}

/**
 * One statement that puts a fresh session into our state. It is sent after connecting, not as start-up options,
 * because connection poolers refuse options they do not know.
 */
export function sessionSetup(statementTimeoutMs: number): string {
  const settings: Record<string, string> = {
    search_path: schemaName,
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: '60000',
    timezone: 'UTC',
    datestyle: 'ISO, MDY',
    // Every statement of ours names the index that serves it. A plan that was made while a table was small, or by numbers
    // of an empty one, would read it whole long after it has grown.
    enable_seqscan: 'off',
    jit: 'off',
  };
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', false)`);
  return `select ${calls.join(', ')}`;
}

/** The target for people: host, port and database, never the password. */
export function describeConnection(connection: Connection): string {
  if (!('connectionString' in connection)) return `${connection.host}:${connection.port}/${connection.database}`;
  try {
    const url = new URL(connection.connectionString);
    return `${url.hostname || url.searchParams.get('host') || 'localhost'}:${url.port || '5432'}${url.pathname}`;
  } catch {
    return 'the configured database';
  }
}
