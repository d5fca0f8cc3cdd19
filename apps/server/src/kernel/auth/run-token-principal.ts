import type { Principal } from './auth.ts';
import type { RunTokenRecord } from './queries.ts';

type Bound = Pick<RunTokenRecord, 'kind' | 'projectId' | 'workerId' | 'buildId' | 'term'>;

/** `undefined` for kinds whose rooms are not here. */
export function principalOf({ kind, projectId, workerId, buildId, term }: Bound): Principal | undefined {
  if (kind === 'wkt' && workerId !== null) return { kind: 'worker', workerId, projectId };
  if (kind === 'bld' && buildId !== null && term !== null && workerId !== null)
    return { kind: 'attempt', buildId, term, workerId, projectId };
  return undefined;
}
