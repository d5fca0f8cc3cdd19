import type { JobSummary } from '@muster/protocol';
import { jobActions, jobStates } from '@muster/protocol/running';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { usePages } from '../../api/pages.ts';
import { problemOf } from '../../api/problem.ts';
import { useConfirm } from '../../parts/confirm.tsx';
import { CopyId } from '../../parts/copy-id.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { EmptyState, NoRight } from '../../parts/empty-state.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { JsonTree } from '../../parts/json-tree.tsx';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { many, oneOf, searchOf, text } from '../../parts/search.ts';
import { State } from '../../parts/state.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { systemWords } from '../../words/system.ts';
import { SystemTabs } from './system-tabs.tsx';

const w = systemWords.job;
const jobSearch = searchOf({ state: many(oneOf(jobStates)), kind: text(100) });

const columns: Column<JobSummary>[] = [
  { key: 'state', head: w.state, width: '120px', cell: ({ state }) => <State kind="job" state={state} /> },
  {
    key: 'kind',
    head: w.kind,
    main: true,
    fixed: true,
    mono: true,
    width: 'minmax(160px,1fr)',
    cell: ({ kind }) => kind,
  },
  { key: 'id', head: w.id, width: '180px', cell: ({ id }) => <CopyId id={id} /> },
  {
    key: 'attempt',
    head: w.attempt,
    width: '96px',
    align: 'end',
    cell: ({ attempt, attemptsMax }) => (
      <span className="num">{attemptsMax === null ? attempt : `${attempt} / ${attemptsMax}`}</span>
    ),
  },
  { key: 'when', head: w.when, width: '120px', align: 'end', cell: (job) => <Time at={whenOf(job)} /> },
  {
    key: 'why',
    head: w.why,
    width: 'minmax(200px,2fr)',
    cell: ({ reason, lastError }) => <Text value={reason ?? lastError ?? ''} max={200} />,
  },
];

/** What it is about now: when it ended, began, or is due. */
const whenOf = ({ finishedAt, claimedAt, runAt, enqueuedAt }: JobSummary): string =>
  finishedAt ?? claimedAt ?? runAt ?? enqueuedAt;

/** Work that the server gives itself. */
export function JobsPage(): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const installation = useMay('installation');
  const confirm = useConfirm();
  const toast = useToast();
  const { values, invalid, set, drop, clear } = useSearch(jobSearch);
  const [open, setOpen] = useState<string>();
  const { state, kind } = values;
  const jobs = usePages<JobSummary>({
    key: ['system', 'jobs', state, kind],
    read: (page, signal) =>
      client.running.jobs(
        {
          ...page,
          ...(state.length === 0 ? {} : { state: state.join(',') }),
          ...(kind === undefined ? {} : { kind }),
        },
        signal,
      ),
    enabled: installation.may,
  });
  const run = async (call: () => Promise<unknown>, said: string): Promise<void> => {
    try {
      await call();
      toast({ title: said });
    } catch (error) {
      toast({ title: w.failed, detail: problemOf(error)?.detail, tone: 'failed' });
    }
    void queries.invalidateQueries({ queryKey: ['system'] });
  };
  const cancel = async (job: JobSummary): Promise<void> => {
    const asked = { title: w.cancelTitle(job.kind), detail: w.cancelDetail, action: w.cancelDo, keep: w.cancelKeep };
    if (await confirm({ ...asked, danger: true }))
      await run(() => client.running.cancelJob(job.id, w.cancelReason), w.cancelled);
  };
  const refusal = (action: keyof typeof jobActions, job: JobSummary): string | undefined =>
    jobActions[action].some((allowed) => allowed === job.state) ? undefined : w.refused(job.state);
  if (!installation.may) {
    return (
      <Page>
        <PageHead title={w.title} />
        <NoRight scope={systemWords.needsInstallation} />
      </Page>
    );
  }
  return (
    <Page fill>
      <PageHead title={w.title} tabs={<SystemTabs />}>
        <p className="text-soft">{w.lead}</p>
      </PageHead>
      <FilterBar
        keys={[
          { key: 'state', label: w.state, options: jobStates.map((value) => ({ value, label: value })) },
          { key: 'kind', label: w.kind, one: true },
        ]}
        values={{ state: [...state], kind: kind === undefined ? [] : [kind] }}
        onChange={(key, next) =>
          set(key === 'kind' ? { kind: next[0] } : { state: jobStates.filter((each) => next.includes(each)) })
        }
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
      />
      {jobs.problem ? <ProblemPanel problem={jobs.problem} onRetry={jobs.retry} /> : null}
      <DataTable<JobSummary>
        label={w.title}
        columns={columns}
        rows={jobs.rows}
        rowKey={({ id }) => id}
        rowLabel={(job) => `${job.kind} ${job.id}`}
        height="fill"
        loading={jobs.loading}
        more={jobs.more}
        version={(job) => `${job.state} ${job.attempt}`}
        rowMenu={(job) => [
          { key: 'open', label: w.payload, onSelect: () => setOpen(job.id) },
          {
            key: 'retry',
            label: job.state === 'waiting' ? w.now : w.retry,
            disabledReason: refusal(job.state === 'waiting' ? 'retryNow' : 'retry', job),
            onSelect: () => void run(() => client.running.retryJob(job.id), w.again),
          },
          { key: 'rule', rule: true },
          {
            key: 'cancel',
            label: w.cancel,
            danger: true,
            disabledReason: refusal('cancel', job),
            onSelect: () => void cancel(job),
          },
        ]}
        card={(job) => ({
          lead: <State kind="job" state={job.state} />,
          title: <span className="mono">{job.kind}</span>,
          sub: <Text value={job.reason ?? job.lastError ?? job.id} max={120} />,
          end: <Time at={whenOf(job)} />,
        })}
        empty={<EmptyState title={w.emptyTitle} detail={w.emptyDetail} />}
      />
      <Drawer open={open !== undefined} onClose={() => setOpen(undefined)} title={w.payload} note={w.masked} width="l">
        {open === undefined ? null : <Payload id={open} />}
      </Drawer>
    </Page>
  );
}

function Payload({ id }: { id: string }): ReactNode {
  const client = useClient();
  const job = useQuery({
    queryKey: ['system', 'jobs', 'one', id],
    queryFn: ({ signal }) => client.running.job(id, signal),
  });
  const problem = problemOf(job.error);
  return (
    <div className="stack">
      {problem ? <ProblemPanel problem={problem} onRetry={() => void job.refetch()} /> : null}
      {job.data ? <JsonTree value={job.data.payload} label={w.payload} open={3} /> : null}
      {job.data?.lastError ? (
        <div>
          <h3 className="font-medium">{w.error}</h3>
          <Text value={job.data.lastError} max={2000} mono />
        </div>
      ) : null}
    </div>
  );
}
