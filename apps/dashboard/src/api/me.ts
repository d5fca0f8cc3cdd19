import type { Connection } from '@muster/client';
import type { Me, PersonMe, Scope } from '@muster/protocol';
import { covers } from '@muster/protocol/scopes';
import { queryOptions } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { apiWords } from '../words/api.ts';

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the library's own type says more than could be written
export const meQuery = (connection: Connection) =>
  queryOptions({
    queryKey: ['accounts', 'me'],
    queryFn: async ({ signal }): Promise<PersonMe> => {
      const me = await connection.call<Me>('GET', '/v1/me', { signal });
      if (me.kind !== 'person') throw new Error(apiWords.notAPerson);
      return me;
    },
    staleTime: 60_000,
  });

export const MeContext: React.Context<PersonMe | undefined> = createContext<PersonMe | undefined>(undefined);

/** Who sits before this page, in the project it shows. */
export function useMe(): PersonMe {
  const me = useContext(MeContext);
  if (!me) throw new Error('invariant broken: nobody is known here');
  return me;
}

/** `undefined`: they may. Else the sentence for the button that may not be pressed (D2). */
export function useMay(scope: Scope | 'installation'): { may: boolean; reason: string | undefined } {
  const { scopes, installationAdmin } = useMe();
  const may = scope === 'installation' ? installationAdmin : covers(scopes, scope);
  if (may) return { may, reason: undefined };
  return { may, reason: scope === 'installation' ? apiWords.needsInstallation : apiWords.needs(scope) };
}
