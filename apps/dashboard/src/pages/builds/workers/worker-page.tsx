import type { Worker } from '@muster/protocol';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { Badge } from '../../../parts/badge.tsx';
import { Button, ButtonLink } from '../../../parts/button.tsx';
import { Tags } from '../../../parts/chip.tsx';
import { CopyId } from '../../../parts/copy-id.tsx';
import { Facts } from '../../../parts/facts.tsx';
import { bytes, count, duration } from '../../../parts/format.ts';
import { Menu } from '../../../parts/menu.tsx';
import { Link, useNav } from '../../../parts/nav.tsx';
import { BackLink, Page, PageHead } from '../../../parts/page.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { plain } from '../../../parts/plain.ts';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { SecretOnce } from '../../../parts/secret-once.tsx';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { State } from '../../../parts/state.tsx';
import { DataTable } from '../../../parts/table.tsx';
import { Text } from '../../../parts/text.tsx';
import { Time } from '../../../parts/time.tsx';
import { ToneIcon } from '../../../parts/tone-icon.tsx';
import { WhyLine } from '../../../parts/why-line.tsx';
import { usePathParam } from '../../../shell/path-param.ts';
import { buildsWords as w } from '../../../words/builds.ts';
import { buildCard } from '../list/build-card.tsx';
import { buildColumns, buildPath } from '../list/columns.tsx';
import { useLiveBuilds } from '../live-builds.ts';
import { diagnosticsQuery, listQuery, workerQuery } from '../queries.ts';
import { workerCommand } from '../snippets.ts';
import { Health } from './health.tsx';
import { useWorkerActs, type WorkerActs } from './use-worker-acts.ts';

/** One machine: what it holds, how it did, what it says of itself. */
export function WorkerPage(): ReactNode {
  const id = usePathParam('id');
  const client = useClient();
  useLiveBuilds();
  const query = useQuery(workerQuery(client, id));
  const problem = problemOf(query.error);
  const worker = query.data;
  return (
    <Page>
      {problem ? (
        <ProblemPanel
          problem={problem}
          busy={query.isFetching}
          onRetry={() => void query.refetch()}
          {...(worker ? { lastGoodAt: query.dataUpdatedAt } : {})}
        />
      ) : null}
      {worker ? <OneWorker worker={worker} /> : null}
      {query.isPending ? <Skeleton lines={8} /> : null}
    </Page>
  );
}

function OneWorker({ worker }: { worker: Worker }): ReactNode {
  const nav = useNav();
  const acts = useWorkerActs();
  const [token, setToken] = useState<string>();
  const name = plain(worker.name, 80);
  const { host } = worker;
  return (
    <>
      <PageHead
        lead={<BackLink to="/builds/workers">{w.workers.title}</BackLink>}
        title={name}
        actions={
          <>
            {worker.admission === 'open' ? (
              <Button
                busy={acts.busy}
                disabledReason={acts.reason('drain', worker)}
                onClick={() => void acts.drain(worker)}
              >
                {w.worker.drain}
              </Button>
            ) : (
              <Button
                variant="primary"
                busy={acts.busy}
                disabledReason={acts.reason('resume', worker)}
                onClick={() => void acts.resume(worker)}
              >
                {w.worker.resume}
              </Button>
            )}
            <Menu
              label={w.worker.menu(name)}
              items={[
                {
                  key: 'token',
                  label: w.worker.token,
                  disabledReason: acts.reason('token', worker),
                  onSelect: () => void acts.newToken(worker).then(setToken),
                },
                { key: 'rule', rule: true },
                {
                  key: 'remove',
                  label: w.worker.remove,
                  danger: true,
                  disabledReason: acts.reason('remove', worker),
                  onSelect: () => void acts.remove(worker).then((gone) => gone && nav.navigate('/builds/workers')),
                },
              ]}
            />
          </>
        }
      >
        <span className="row flex-wrap">
          <State kind="worker" state={worker.state} size="m" />
          <CopyId id={worker.id} />
          <Tags tags={worker.labels} />
        </span>
      </PageHead>
      {worker.admission === 'draining' ? (
        <WhyLine tone="warn" reason={w.worker.drainingWhy(worker.drainReason ?? '')} remedy={w.worker.drainingDo} />
      ) : null}
      {worker.state === 'offline' ? (
        <WhyLine tone="off" reason={w.worker.offlineWhy} since={worker.lastSeenAt} remedy={w.worker.offlineDo} />
      ) : null}
      <Panel title={w.worker.about}>
        <Facts
          columns={3}
          items={[
            { label: w.workers.platforms, value: worker.platforms.join(', ') },
            {
              label: w.workers.seats,
              value: <span className="num">{w.workers.seatsOf(worker.held.length, worker.seats)}</span>,
            },
            { label: w.workers.seen, value: <Time at={worker.lastSeenAt} /> },
            { label: w.worker.registered, value: <Time at={worker.registeredAt} /> },
            {
              label: w.workers.version,
              value: worker.version === '' ? '–' : <Text value={worker.version} max={40} mono />,
            },
            {
              label: w.worker.host,
              value: host ? (
                <Text value={w.worker.hostOf(host.os, host.arch, host.cpus, bytes(host.memoryBytes))} max={120} />
              ) : (
                '–'
              ),
            },
            { label: w.worker.succeeded, value: <span className="num">{count(worker.counters.succeeded)}</span> },
            { label: w.worker.failedCount, value: <span className="num">{count(worker.counters.failed)}</span> },
            { label: w.worker.lost, value: <span className="num">{count(worker.counters.lost)}</span> },
          ]}
        />
      </Panel>
      <Held worker={worker} acts={acts} />
      <Diagnostics worker={worker} />
      <Recent worker={worker} />
      {token === undefined ? null : (
        <SecretOnce
          open
          title={w.workers.madeTitle(name)}
          name={w.workers.command}
          secret={workerCommand(token, worker)}
          note={w.worker.tokenNote}
          onDone={() => setToken(undefined)}
        />
      )}
    </>
  );
}

/** Its seats: one row each, with what sits there. */
function Held({ worker, acts }: { worker: Worker; acts: WorkerActs }): ReactNode {
  return (
    <Panel title={w.worker.holds} note={w.workers.seatsOf(worker.held.length, worker.seats)}>
      {worker.held.length === 0 ? (
        <p className="text-soft">{w.worker.holdsNothing}</p>
      ) : (
        <ul className="stack">
          {worker.held.map(({ buildId, term, state }) => (
            <li key={buildId} className="spread">
              <span className="row">
                <State kind="build" state={state} />
                <Link to={buildPath(buildId)} className="mono">
                  {buildId}
                </Link>
                <span className="text-soft">{w.run.attempt(term)}</span>
              </span>
              <Button
                size="s"
                variant="danger"
                disabledReason={acts.evictReason}
                onClick={() => void acts.evict(worker, buildId)}
              >
                {w.worker.evict}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

const checkTone = { pass: 'done', warn: 'warn', fail: 'failed' } as const;

/** What it found out about itself last. */
function Diagnostics({ worker }: { worker: Worker }): ReactNode {
  const client = useClient();
  const query = useQuery(diagnosticsQuery(client, worker.id));
  const [latest] = query.data?.items ?? [];
  if (!latest) return null;
  return (
    <Panel
      title={
        <span className="row">
          {w.worker.diagnostics} <Health status={latest.status} />
        </span>
      }
      note={
        <>
          <Time at={latest.runAt} /> · {duration(latest.durationMs)}
        </>
      }
    >
      <ul className="stack">
        {latest.checks.map((check) => (
          <li key={check.name} className="row">
            <ToneIcon tone={checkTone[check.status]} label={check.status} />
            <Text value={check.name} max={80} className="font-medium" />
            <Text value={check.message} max={400} className="text-soft" />
            {check.autoFixed ? <Badge tone="done">{w.worker.autoFixed}</Badge> : null}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The last builds that had an attempt here. */
function Recent({ worker }: { worker: Worker }): ReactNode {
  const client = useClient();
  const nav = useNav();
  const list = useInfiniteQuery(listQuery(client, { worker: worker.id }));
  const columns = useMemo(
    () =>
      buildColumns((key, value) => nav.navigate(`/builds?tag=${encodeURIComponent(`${key}=${value}`)}`)).filter(
        ({ key }) => key !== 'worker',
      ),
    [nav],
  );
  const rows = list.data?.pages[0]?.items.slice(0, 10) ?? [];
  return (
    <Panel
      title={w.worker.recent}
      actions={
        <ButtonLink size="s" variant="quiet" to={`/builds?worker=${encodeURIComponent(worker.id)}`}>
          {w.worker.allBuilds}
        </ButtonLink>
      }
      flush
    >
      <DataTable
        label={w.worker.recent}
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        rowTo={({ id }) => buildPath(id)}
        height="auto"
        loading={list.isPending}
        empty={<p className="p-4 text-soft">{w.worker.recentNone}</p>}
        card={buildCard}
      />
    </Panel>
  );
}
