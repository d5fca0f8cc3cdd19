import { Connection, type ConnectionOptions } from '@muster/client';
import { createContext, useContext } from 'react';
import { noteBuild, signedOut } from './news.ts';
import { serverUrl } from './place.ts';

/** How the console reaches the server: by the cookie of whoever signed in, in one project. */
export const optionsFor = (project: string | undefined): ConnectionOptions => ({
  url: serverUrl,
  byCookie: true,
  ...(project === undefined ? {} : { project }),
  fetch: async (input, init) => {
    const answer = await fetch(input, init);
    noteBuild(answer.headers.get('x-muster-build'));
    if (answer.status === 401) void noteRefusal(answer.clone());
    return answer;
  },
});

export const makeConnection = (project: string | undefined): Connection => new Connection(optionsFor(project));

export const ConnectionContext: React.Context<Connection | undefined> = createContext<Connection | undefined>(
  undefined,
);

/** For calls by their path. The first load has this alone; pages take `useClient`, which brings the whole SDK. */
export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (!connection) throw new Error('invariant broken: outside of a session');
  return connection;
}

/** A wrong password is a 401 too; only the end of the sign-in itself means that nobody is there any more. */
async function noteRefusal(answer: Response): Promise<void> {
  const said: unknown = await answer.json().catch(() => undefined);
  const reason = typeof said === 'object' && said !== null && 'reason' in said ? said.reason : undefined;
  if (reason === 'no_credential' || reason === 'sign_in_ended') signedOut.set(true);
}
