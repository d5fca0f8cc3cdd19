import type { Invite } from '@muster/protocol';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { Button } from '../../parts/button.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Sign } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';
import { invitesKey } from './people-query.ts';
import type { Acts } from './use-act.tsx';

const w = settingsWords.people;

/** Links that are out, and what became of them. */
export function InviteList({ act }: { act: Acts['act'] }): ReactNode {
  const client = useClient();
  const toast = useToast();
  const now = useNow(60_000);
  const invites = usePages<Invite>({ key: invitesKey, read: (page, signal) => client.accounts.invites(page, signal) });
  if (invites.problem) return <ProblemPanel problem={invites.problem} onRetry={invites.retry} />;
  if (invites.rows.length === 0) return null;
  const revoke = async (id: string): Promise<void> => {
    if (await act(() => client.accounts.revokeInvite(id), invitesKey)) toast({ title: w.revoked });
  };
  return (
    <Panel title={w.invites} flush>
      <ul>
        {invites.rows.map((invite) => {
          const state = stateOf(invite, now);
          return (
            <li key={invite.id} className="spread border-t border-hair px-4 py-2 first:border-t-0">
              <span className="row clip">
                <Sign tone={state.tone}>{state.word}</Sign>
                <span>{invite.role}</span>
                <Text value={invite.usedBy ?? invite.note} max={80} />
              </span>
              <span className="row">
                <Time at={invite.usedAt ?? invite.createdAt} />
                {state.open ? (
                  <Button size="s" variant="quiet" onClick={() => void revoke(invite.id)}>
                    {w.revoke}
                  </Button>
                ) : null}
              </span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function stateOf(
  { usedAt, revokedAt, expiresAt }: Invite,
  now: number,
): { tone: 'waiting' | 'done' | 'off'; word: string; open: boolean } {
  if (usedAt !== null) return { tone: 'done', word: w.inviteUsed, open: false };
  if (revokedAt !== null) return { tone: 'off', word: w.inviteRevoked, open: false };
  if (Date.parse(expiresAt) <= now) return { tone: 'off', word: w.inviteOver, open: false };
  return { tone: 'waiting', word: w.inviteOpen, open: true };
}
