import type { Connection, SslMode } from '../pool/connection.ts';
import { readChoice } from './choice.ts';
import { writtenPort } from './identity.ts';
import { clusterPaths, readPassword } from './initialise.ts';
import { lockHolder } from './lock.ts';
import { connectionTo } from './postmaster.ts';
import { socketEndpoint } from './socket-folder.ts';
import { databaseName } from './supervisor.ts';
import { serverUser } from './user.ts';

/** `url`: of the server that runs on the folder, when it said so. */
export type RunningDatabase = { connection: Connection; url?: string };

/**
 * The database of this folder while it can be reached without starting anything: an external one, or that of a server that runs
 * now. Whoever may read the folder's password may use it. `undefined`: no server runs here.
 */
export async function runningDatabase(
  dataDir: string,
  {
    databaseUrl,
    ssl,
    postgresUser,
  }: { databaseUrl?: string | undefined; ssl?: SslMode | undefined; postgresUser?: string | undefined },
): Promise<RunningDatabase | undefined> {
  const choice = await readChoice(dataDir);
  const holder = choice === undefined ? 'nobody' : await lockHolder(dataDir);
  const url = typeof holder === 'object' && holder.url !== undefined ? { url: holder.url } : {};
  if (databaseUrl !== undefined)
    return { connection: { connectionString: databaseUrl, ...(ssl === undefined ? {} : { ssl }) }, ...url };
  if (choice?.kind !== 'embedded' || holder === 'nobody') return undefined;
  const home = choice.where;
  const endpoint = await socketEndpoint(home, await serverUser(postgresUser));
  if (endpoint.folder === undefined) endpoint.port = (await writtenPort(clusterPaths(home).data)) ?? endpoint.port;
  return { connection: connectionTo(endpoint, await readPassword(home), databaseName), ...url };
}
