import type { Build } from '@muster/protocol';
import { type ReactNode, useSyncExternalStore } from 'react';
import { serverUrl } from '../../../api/place.ts';
import { problemOf } from '../../../api/problem.ts';
import { LogViewer } from '../../../parts/log/log-viewer.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { useLogAddress } from './log-address.ts';
import type { BuildLog } from './log-source.ts';

/** Everything a build said. Which line is meant, and how it is shown, is in the address. */
export function LogTab({ build, log }: { build: Build; log: BuildLog }): ReactNode {
  const address = useLogAddress();
  useSyncExternalStore(log.subscribe, log.snapshot);
  const problem = problemOf(log.failed);
  const path = `${serverUrl}/v1/builds/${encodeURIComponent(build.id)}/log`;
  return (
    <>
      {problem ? <ProblemPanel problem={problem} onRetry={() => void log.start()} /> : null}
      <LogViewer
        source={log}
        name={w.run.logOf(build.name ?? build.id)}
        openAtError={build.state === 'failed'}
        {...address}
        downloads={[
          { label: w.run.logText, href: path },
          { label: w.run.logNdjson, href: `${path}?format=ndjson` },
        ]}
      />
    </>
  );
}
