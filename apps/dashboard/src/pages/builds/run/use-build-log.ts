import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useClient } from '../../../api/client.ts';
import { useLive } from '../../../live/use-live.ts';
import { BuildLog } from './log-source.ts';

/** The log of one build for as long as the page is there. */
export function useBuildLog(id: string): { log: BuildLog; total: number } {
  const client = useClient();
  const live = useLive();
  const log = useMemo(() => new BuildLog(client, live, id), [client, live, id]);
  useEffect(() => {
    void log.start();
    return () => log[Symbol.dispose]();
  }, [log]);
  const { total } = useSyncExternalStore(log.subscribe, log.snapshot);
  return { log, total };
}
