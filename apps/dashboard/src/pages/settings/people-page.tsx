import type { Person, Role } from '@muster/protocol';
import { roles } from '@muster/protocol/roles';
import { UserPlus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay, useMe } from '../../api/me.ts';
import { usePages } from '../../api/pages.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import type { MenuItem } from '../../parts/menu.tsx';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { SecretOnce } from '../../parts/secret-once.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';
import { InviteDrawer } from './invite-drawer.tsx';
import { InviteList } from './invite-list.tsx';
import { peopleKey } from './people-query.ts';
import { SettingsTabs } from './settings-tabs.tsx';
import { useAct } from './use-act.tsx';

const w = settingsWords.people;

/** Who belongs to the project, as what, and how they get in. */
export function PeoplePage(): ReactNode {
  const client = useClient();
  const me = useMe();
  const admin = useMay('accounts:admin');
  const installation = useMay('installation');
  const confirm = useConfirm();
  const toast = useToast();
  const { act, asking } = useAct();
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState<{ title: string; name: string; note: string; url: string }>();
  const people = usePages<Person>({ key: peopleKey, read: (page, signal) => client.accounts.people(page, signal) });
  const projectId = me.projectId ?? '';

  const change = async (person: Person, role: Role): Promise<void> => {
    const was = person.role;
    const done = await act(() => client.accounts.changeRole(projectId, person.id, role), peopleKey);
    if (!done) return;
    toast({
      title: w.changed(person.name, role),
      undo: () => act(() => client.accounts.changeRole(projectId, person.id, was), peopleKey),
    });
  };
  const reset = async ({ id, name }: Person): Promise<void> => {
    const made = await act(() => client.accounts.resetLink(id), peopleKey);
    if (made) setLink({ title: w.resetTitle, name: `${w.resetName}: ${name}`, note: w.resetNote, url: made.url });
  };
  const endSignIns = async ({ id, name }: Person): Promise<void> => {
    const yes = await confirm({
      title: w.endTitle(name),
      detail: w.endDetail,
      action: w.endDo,
      keep: w.endKeep,
      danger: true,
    });
    if (!yes) return;
    const done = await act(async () => (await client.accounts.endSignInsOf(id), true), peopleKey);
    if (done) toast({ title: w.endedNow(name) });
  };
  const remove = async ({ id, name }: Person): Promise<void> => {
    const asked = { title: w.removeTitle(name), detail: w.removeDetail, action: w.removeDo, keep: w.removeKeep };
    if (!(await confirm({ ...asked, danger: true }))) return;
    const done = await act(async () => (await client.accounts.removeMember(projectId, id), true), peopleKey);
    if (done) toast({ title: w.removedNow(name) });
  };
  const menuOf = (person: Person): MenuItem[] => [
    { key: 'role', heading: w.role },
    ...roles.map((role) => ({
      key: role,
      label: role,
      hint: w.roleSays[role],
      checked: person.role === role,
      disabledReason: admin.reason,
      onSelect: () => (person.role === role ? undefined : void change(person, role)),
    })),
    { key: 'rule', rule: true },
    {
      key: 'reset',
      label: w.reset,
      disabledReason: installation.may ? undefined : w.needsAdmin,
      onSelect: () => void reset(person),
    },
    { key: 'end', label: w.endSignIns, disabledReason: admin.reason, onSelect: () => void endSignIns(person) },
    { key: 'rule2', rule: true },
    { key: 'remove', label: w.remove, danger: true, disabledReason: admin.reason, onSelect: () => void remove(person) },
  ];

  return (
    <Page>
      <PageHead
        title={w.title}
        note={people.loading ? undefined : w.note(people.rows.length)}
        actions={
          <Button
            variant="primary"
            icon={<UserPlus aria-hidden />}
            disabledReason={admin.reason}
            onClick={() => setInviting(true)}
          >
            {w.invite}
          </Button>
        }
        tabs={<SettingsTabs />}
      />
      {people.problem ? (
        <ProblemPanel
          problem={people.problem}
          onRetry={people.retry}
          {...(people.lastGoodAt === undefined ? {} : { lastGoodAt: people.lastGoodAt })}
        />
      ) : null}
      <DataTable<Person>
        label={w.title}
        columns={columnsFor(me.id)}
        rows={people.rows}
        rowKey={({ id }) => id}
        rowLabel={({ name }) => name}
        height="auto"
        loading={people.loading}
        more={people.more}
        rowMenu={menuOf}
        card={({ name, email, role, lastSignInAt }) => ({
          lead: <Badge>{role}</Badge>,
          title: <Text value={name} max={60} />,
          sub: <Text value={email} max={80} />,
          end: lastSignInAt === null ? w.never : <Time at={lastSignInAt} />,
        })}
      />
      {admin.may ? <InviteList act={act} /> : null}
      <InviteDrawer
        open={inviting}
        onClose={() => setInviting(false)}
        act={act}
        onMade={(url) => setLink({ title: w.inviteTitle, name: w.inviteName, note: w.inviteSecretNote, url })}
      />
      <SecretOnce
        open={link !== undefined}
        title={link?.title ?? ''}
        name={link?.name ?? ''}
        note={link?.note}
        secret={link?.url ?? ''}
        onDone={() => setLink(undefined)}
      />
      {asking}
    </Page>
  );
}

const columnsFor = (me: string): Column<Person>[] => [
  {
    key: 'name',
    head: w.name,
    main: true,
    fixed: true,
    width: 'minmax(160px,1fr)',
    cell: ({ id, name, installationAdmin }) => (
      <span className="row clip">
        <Text value={name} max={80} />
        {id === me ? <Badge>{w.you}</Badge> : null}
        {installationAdmin ? <Badge tone="live">{w.installation}</Badge> : null}
      </span>
    ),
  },
  { key: 'email', head: w.email, width: 'minmax(180px,1fr)', cell: ({ email }) => <Text value={email} max={120} /> },
  { key: 'role', head: w.role, width: '110px', cell: ({ role }) => role },
  {
    key: 'factor',
    head: w.factor,
    width: '130px',
    cell: ({ secondFactor }) => <span className={secondFactor ? '' : 'text-soft'}>{secondFactor ? w.on : w.off}</span>,
  },
  { key: 'where', head: w.signIns, width: '130px', cell: ({ signIns }) => w.signInsTold(signIns) },
  {
    key: 'seen',
    head: w.seen,
    width: '130px',
    align: 'end',
    cell: ({ lastSignInAt }) =>
      lastSignInAt === null ? <span className="text-soft">{w.never}</span> : <Time at={lastSignInAt} />,
  },
];
