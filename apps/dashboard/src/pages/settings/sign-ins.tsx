import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { plain } from '../../parts/plain.ts';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { tip } from '../../parts/tips.ts';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';
import { browserOf } from './browser-of.ts';
import type { Acts } from './use-act.tsx';

const w = settingsWords.you;
const signInsKey = ['accounts', 'sign-ins'];

/** The browsers somebody is signed in on; each can be ended from here. */
export function SignIns({ act }: { act: Acts['act'] }): ReactNode {
  const client = useClient();
  const toast = useToast();
  const signIns = useQuery({ queryKey: signInsKey, queryFn: ({ signal }) => client.accounts.signIns(signal) });
  const problem = problemOf(signIns.error);
  const items = signIns.data?.items ?? [];
  const others = items.filter(({ current }) => !current).length;
  const end = async (id: string): Promise<void> => {
    const done = await act(async () => (await client.accounts.endSignIn(id), true), signInsKey);
    if (done) toast({ title: w.ended });
  };
  const endAll = async (): Promise<void> => {
    const done = await act(() => client.accounts.endOtherSignIns(), signInsKey);
    if (done) toast({ title: w.endedAll(done.ended) });
  };
  return (
    <Panel
      title={w.signIns}
      note={w.signInsNote}
      flush
      actions={
        <Button size="s" disabledReason={others === 0 ? w.noOthers : undefined} onClick={() => void endAll()}>
          {w.endAll}
        </Button>
      }
    >
      {problem ? <ProblemPanel problem={problem} onRetry={() => void signIns.refetch()} /> : null}
      {signIns.isPending ? <Skeleton lines={3} /> : null}
      <ul>
        {items.map(({ id, address, userAgent, createdAt, lastSeenAt, current }) => (
          <li key={id} className="spread flex-wrap border-t border-hair px-4 py-2 first:border-t-0">
            <span className="row min-w-0">
              <span {...(userAgent === null ? {} : tip(plain(userAgent, 300)))}>
                {browserOf(userAgent) ?? w.unknownBrowser}
              </span>
              {current ? <Badge tone="done">{w.thisOne}</Badge> : null}
            </span>
            <span className="row text-soft">
              <Text value={address ?? '–'} mono />
              <span>
                {w.since} <Time at={createdAt} />
              </span>
              <span>
                {w.seen} <Time at={lastSeenAt} />
              </span>
              {current ? null : (
                <Button size="s" variant="quiet" onClick={() => void end(id)}>
                  {w.end}
                </Button>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
