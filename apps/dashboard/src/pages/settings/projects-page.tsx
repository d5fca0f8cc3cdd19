import type { Project } from '@muster/protocol';
import { Plus } from 'lucide-react';
import { type ReactNode, useId, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { meQuery, useMay, useMe } from '../../api/me.ts';
import { usePages } from '../../api/pages.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { CopyId } from '../../parts/copy-id.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Sign } from '../../parts/state.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { settingsWords } from '../../words/settings.ts';
import { SettingsTabs } from './settings-tabs.tsx';
import { useAct } from './use-act.tsx';

const w = settingsWords.projects;
const projectsKey = ['accounts', 'projects'];

/** All that this person can see of, with what they may do to it. */
export function ProjectsPage(): ReactNode {
  const client = useClient();
  const me = useMe();
  const installation = useMay('installation');
  const admin = useMay('accounts:admin');
  const confirm = useConfirm();
  const toast = useToast();
  const { act, asking, busy } = useAct();
  const form = useId();
  /** `''`: a new one. */
  const [naming, setNaming] = useState<string>();
  const [name, setName] = useState('');
  const projects = usePages<Project>({
    key: projectsKey,
    read: (page, signal) => client.accounts.projects(page, signal),
  });
  const read = [projectsKey, meQuery(client.connection).queryKey];

  const open = (project?: Project): void => {
    setName(project?.name ?? '');
    setNaming(project?.id ?? '');
  };
  const save = async (): Promise<void> => {
    const wanted = name.trim();
    const id = naming;
    if (id === undefined || wanted === '') return;
    const done = await act(
      () => (id === '' ? client.accounts.createProject(wanted) : client.accounts.changeProject(id, { name: wanted })),
      ...read,
    );
    if (!done) return;
    setNaming(undefined);
    toast({ title: id === '' ? w.madeNow(wanted) : w.renamed });
  };
  const bringBack = async ({ id, name: of }: Project): Promise<void> => {
    const done = await act(() => client.accounts.changeProject(id, { archived: false }), ...read);
    if (done) toast({ title: w.broughtBack(of) });
  };
  const archive = async (project: Project): Promise<void> => {
    const asked = { title: w.archiveTitle(project.name), detail: w.archiveDetail };
    if (!(await confirm({ ...asked, action: w.archiveDo, keep: w.archiveKeep, danger: true }))) return;
    const done = await act(() => client.accounts.changeProject(project.id, { archived: true }), ...read);
    if (done) toast({ title: w.archivedNow(project.name), undo: () => bringBack(project) });
  };
  const mayChange = (id: string): string | undefined =>
    installation.may || (me.projectId === id && admin.may) ? undefined : installation.reason;

  return (
    <Page>
      <PageHead
        title={w.title}
        actions={
          <Button
            variant="primary"
            icon={<Plus aria-hidden />}
            disabledReason={installation.reason}
            onClick={() => open()}
          >
            {w.add}
          </Button>
        }
        tabs={<SettingsTabs />}
      />
      {projects.problem ? <ProblemPanel problem={projects.problem} onRetry={projects.retry} /> : null}
      <DataTable<Project>
        label={w.title}
        columns={columnsIn(me.projectId)}
        rows={projects.rows}
        rowKey={({ id }) => id}
        rowLabel={(project) => project.name}
        height="auto"
        loading={projects.loading}
        more={projects.more}
        rowMenu={(project) => [
          { key: 'rename', label: w.rename, disabledReason: mayChange(project.id), onSelect: () => open(project) },
          project.archivedAt === null
            ? {
                key: 'archive',
                label: w.archive,
                danger: true,
                disabledReason: mayChange(project.id),
                onSelect: () => void archive(project),
              }
            : {
                key: 'back',
                label: w.bringBack,
                disabledReason: mayChange(project.id),
                onSelect: () => void bringBack(project),
              },
        ]}
        card={(project) => ({
          lead: <ProjectState of={project} />,
          title: <Text value={project.name} max={64} />,
          end: <Time at={project.createdAt} />,
        })}
      />
      <Dialog
        open={naming !== undefined}
        onClose={() => setNaming(undefined)}
        title={naming === '' ? w.add : w.rename}
        {...(naming === '' ? { detail: w.addNote } : {})}
        size="s"
        footer={
          <>
            <Button onClick={() => setNaming(undefined)}>{w.keep}</Button>
            <Button
              variant="primary"
              type="submit"
              form={form}
              busy={busy}
              disabledReason={name.trim() === '' ? w.needsName : undefined}
            >
              {naming === '' ? w.make : w.rename}
            </Button>
          </>
        }
      >
        <form
          id={form}
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <Field label={w.name}>
            <Input value={name} onChange={setName} maxLength={64} />
          </Field>
        </form>
      </Dialog>
      {asking}
    </Page>
  );
}

function ProjectState({ of: { archivedAt } }: { of: Project }): ReactNode {
  return archivedAt === null ? <Sign tone="done">{w.active}</Sign> : <Sign tone="off">{w.archived}</Sign>;
}

const columnsIn = (here: string | null): Column<Project>[] => [
  { key: 'state', head: w.state, width: '120px', cell: (project) => <ProjectState of={project} /> },
  {
    key: 'name',
    head: w.name,
    main: true,
    fixed: true,
    width: 'minmax(180px,1fr)',
    cell: ({ id, name }) => (
      <span className="row clip">
        <Text value={name} max={64} />
        {id === here ? <Badge>{w.here}</Badge> : null}
      </span>
    ),
  },
  { key: 'id', head: 'id', width: '220px', cell: ({ id }) => <CopyId id={id} /> },
  { key: 'made', head: w.made, width: '130px', align: 'end', cell: ({ createdAt }) => <Time at={createdAt} /> },
];
