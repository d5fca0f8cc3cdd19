import type { ListedKey, Scope } from '@muster/protocol';
import { covers } from '@muster/protocol/scopes';
import { Plus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { usePages } from '../../api/pages.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { EmptyState, NoRight } from '../../parts/empty-state.tsx';
import { count } from '../../parts/format.ts';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { SecretOnce } from '../../parts/secret-once.tsx';
import { Sign } from '../../parts/state.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { tip } from '../../parts/tips.ts';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';
import { KeyCalls } from './key-calls.tsx';
import { keysKey } from './keys-query.ts';
import { NewKey } from './new-key.tsx';
import { SettingsTabs } from './settings-tabs.tsx';
import { useAct } from './use-act.tsx';

const w = settingsWords.keys;

/** What lets programs in: made, given a second secret, ended. */
export function KeysPage(): ReactNode {
  const client = useClient();
  const admin = useMay('accounts:admin');
  const confirm = useConfirm();
  const toast = useToast();
  const { act, asking } = useAct();
  const now = useNow(60_000);
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState<{ name: string; secret: string }>();
  const [calls, setCalls] = useState<ListedKey>();
  const keys = usePages<ListedKey>({
    key: keysKey,
    read: (page, signal) => client.keys.list(page, signal),
    enabled: admin.may,
  });

  const rotate = async ({ id, name }: ListedKey): Promise<void> => {
    const yes = await confirm({
      title: w.rotateTitle(name),
      detail: w.rotateDetail,
      action: w.rotateDo,
      keep: w.rotateKeep,
    });
    if (!yes) return;
    const made = await act(() => client.keys.rotate(id), keysKey);
    if (made) setShown({ name, secret: made.secret });
  };
  const revoke = async ({ id, name }: ListedKey): Promise<void> => {
    const asked = { title: w.revokeTitle(name), detail: w.revokeDetail, action: w.revokeDo, keep: w.revokeKeep };
    if (!(await confirm({ ...asked, danger: true }))) return;
    if (await act(() => client.keys.revoke(id), keysKey)) toast({ title: w.revokedNow(name) });
  };

  if (!admin.may) {
    return (
      <Page>
        <PageHead title={w.title} tabs={<SettingsTabs />} />
        <NoRight scope="accounts:admin" />
      </Page>
    );
  }
  const add = (
    <Button variant="primary" icon={<Plus aria-hidden />} onClick={() => setAdding(true)}>
      {w.add}
    </Button>
  );
  return (
    <Page fill>
      <PageHead
        title={w.title}
        note={keys.loading ? undefined : w.note(keys.rows.length)}
        actions={add}
        tabs={<SettingsTabs />}
      />
      {keys.problem ? (
        <ProblemPanel
          problem={keys.problem}
          onRetry={keys.retry}
          {...(keys.lastGoodAt === undefined ? {} : { lastGoodAt: keys.lastGoodAt })}
        />
      ) : null}
      <DataTable<ListedKey>
        label={w.title}
        columns={columnsAt(now)}
        rows={keys.rows}
        rowKey={({ id }) => id}
        rowLabel={({ name }) => name}
        height="fill"
        loading={keys.loading}
        more={keys.more}
        rowMenu={(key) => [
          { key: 'calls', label: w.log, onSelect: () => setCalls(key) },
          { key: 'rotate', label: w.rotate, disabledReason: refusal(key), onSelect: () => void rotate(key) },
          { key: 'rule', rule: true },
          {
            key: 'revoke',
            label: w.revoke,
            danger: true,
            disabledReason: refusal(key),
            onSelect: () => void revoke(key),
          },
        ]}
        card={(key) => ({
          lead: <KeyState of={key} now={now} />,
          title: <Text value={key.name} max={60} />,
          sub: highest(key.scopes).map(w.scopeSays).join(', '),
          end: key.lastUsedAt === null ? w.never : <Time at={key.lastUsedAt} />,
        })}
        empty={<EmptyState title={w.emptyTitle} detail={w.emptyDetail} action={add} />}
      />
      <NewKey open={adding} onClose={() => setAdding(false)} onMade={setShown} act={act} />
      <KeyCalls of={calls} onClose={() => setCalls(undefined)} />
      <SecretOnce
        open={shown !== undefined}
        title={w.secretTitle}
        name={shown?.name ?? ''}
        secret={shown?.secret ?? ''}
        note={w.secretNote}
        onDone={() => setShown(undefined)}
      />
      {asking}
    </Page>
  );
}

/** A level contains the ones before it: what is contained need not be read. */
const highest = (scopes: readonly Scope[]): readonly Scope[] =>
  scopes.filter((scope) => !scopes.some((other) => other !== scope && covers([other], scope)));

const refusal = ({ fromEnvironment, revokedAt }: ListedKey): string | undefined =>
  fromEnvironment ? w.refusedEnvironment : revokedAt === null ? undefined : w.refusedRevoked;

function KeyState({ of, now }: { of: ListedKey; now: number }): ReactNode {
  if (of.revokedAt !== null) return <Sign tone="off">{w.revoked}</Sign>;
  if (of.expiresAt !== null && Date.parse(of.expiresAt) <= now) return <Sign tone="failed">{w.expired}</Sign>;
  if (of.previousUntil !== null && Date.parse(of.previousUntil) > now) return <Sign tone="warn">{w.rotating}</Sign>;
  return <Sign tone="done">{w.live}</Sign>;
}

const columnsAt = (now: number): Column<ListedKey>[] => [
  { key: 'state', head: w.state, width: '120px', cell: (key) => <KeyState of={key} now={now} /> },
  {
    key: 'name',
    head: w.name,
    main: true,
    fixed: true,
    width: 'minmax(140px,1fr)',
    cell: ({ name }) => <Text value={name} max={80} />,
  },
  {
    key: 'start',
    head: w.start,
    width: '150px',
    mono: true,
    cell: ({ start }) => (start === null ? <span className="text-soft">{w.environment}</span> : `${start}…`),
  },
  {
    key: 'scopes',
    head: w.scopes,
    width: 'minmax(160px,1.4fr)',
    cell: ({ scopes }) => (
      <span className="row clip" {...tip(scopes.map(w.scopeSays).join(', '))}>
        {highest(scopes).map((scope) => (
          <Badge key={scope}>{w.scopeSays(scope)}</Badge>
        ))}
      </span>
    ),
  },
  {
    key: 'used',
    head: w.used,
    width: '120px',
    align: 'end',
    cell: ({ lastUsedAt, lastUsedFrom }) =>
      lastUsedAt === null ? (
        <span className="text-soft">{w.never}</span>
      ) : (
        <span {...(lastUsedFrom === null ? {} : tip(w.from(lastUsedFrom)))}>
          <Time at={lastUsedAt} />
        </span>
      ),
  },
  {
    key: 'requests',
    head: w.requests,
    width: '130px',
    align: 'end',
    cell: ({ requests: { total, failed } }) => (
      <span className="num" {...tip(w.requestsTold(count(total), count(failed)))}>
        {count(total)}
        {failed > 0 ? <span className="text-tone-failed"> / {count(failed)}</span> : null}
      </span>
    ),
  },
  {
    key: 'expires',
    head: w.expires,
    width: '110px',
    align: 'end',
    cell: ({ expiresAt }) =>
      expiresAt === null ? <span className="text-soft">{w.noExpiry}</span> : <Time at={expiresAt} />,
  },
];
