import { mkdir } from 'node:fs/promises';
import type { Service } from '#kernel/base';
import { type Connection, describeConnection, type SslMode } from '../pool/connection.ts';
import type { Durability } from './check.ts';
import { keepChoice, recordChoice } from './choice.ts';
import { type EmbeddedOptions, EmbeddedPostgres, type EmbeddedState } from './supervisor.ts';

/** The Postgres this server works with: its own, or one that somebody else runs. */
export interface DatabaseServer extends Service {
  readonly kind: 'embedded' | 'external';
  /** Where to connect; known after `start`. */
  connection(): Connection;
  /** For people: where it is, and whose. Known after `start`. */
  describe(): string;
  state(): EmbeddedState;
  /** Of the embedded one; an external one answers for itself (`muster doctor` looks). */
  durability(): Durability | undefined;
}

export type DatabaseServerOptions = EmbeddedOptions & { databaseUrl?: string; ssl?: SslMode };

/**
 * `DATABASE_URL` when set, else the embedded Postgres. The choice is recorded in the data folder by the first start, and a
 * later start that would choose otherwise refuses instead of starting empty.
 *
 * @throws unavailable (from `start`) every reason of `RefusalReason`
 */
export function createDatabaseServer(options: DatabaseServerOptions): DatabaseServer {
  const { databaseUrl, ssl } = options;
  if (!databaseUrl) return embedded(options);
  const connection: Connection = { connectionString: databaseUrl, ...(ssl === undefined ? {} : { ssl }) };
  const where = describeConnection(connection);
  let phase: EmbeddedState['phase'] = 'new';
  return {
    kind: 'external',
    async start() {
      if (phase !== 'new') return;
      await mkdir(options.dataDir, { recursive: true });
      await keepChoice(options.dataDir, 'external');
      await recordChoice(options.dataDir, { kind: 'external', where });
      phase = 'running';
    },
    connection: () => connection,
    describe: () => where,
    state: () => ({ phase }),
    durability: () => undefined,
    [Symbol.asyncDispose]() {
      phase = 'stopped';
      return Promise.resolve();
    },
  };
}

function embedded(options: EmbeddedOptions): DatabaseServer {
  const postgres = new EmbeddedPostgres(options);
  return {
    kind: 'embedded',
    start: () => postgres.start(),
    connection: () => postgres.connection(),
    describe() {
      const { version, source, home, adopted } = postgres.describe();
      return `Postgres ${version} (${source}${adopted ? ', still running from before' : ''}) in ${home}`;
    },
    state: () => postgres.state(),
    durability: () => postgres.durability(),
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}
