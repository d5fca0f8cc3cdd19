import { Client, type Connection } from '@muster/client';
import { optionsFor, useConnection } from './connection.ts';

const clients = new WeakMap<Connection, Client>();

/** The server as the person who signed in sees it, in the project that is shown. */
export function useClient(): Client {
  const connection = useConnection();
  let client = clients.get(connection);
  if (!client) clients.set(connection, (client = new Client(optionsFor(connection.project))));
  return client;
}
