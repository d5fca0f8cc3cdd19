import type { Artifact, Build } from '@muster/protocol';
import { Download } from 'lucide-react';
import { type ReactNode, useMemo } from 'react';
import { serverUrl } from '../../../api/place.ts';
import { Badge } from '../../../parts/badge.tsx';
import { ButtonLink } from '../../../parts/button.tsx';
import { Tags } from '../../../parts/chip.tsx';
import { CopyId } from '../../../parts/copy-id.tsx';
import { type Fact, Facts } from '../../../parts/facts.tsx';
import { bytes, duration } from '../../../parts/format.ts';
import { JsonTree } from '../../../parts/json-tree.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { type Column, DataTable } from '../../../parts/table.tsx';
import { Text } from '../../../parts/text.tsx';
import { Time } from '../../../parts/time.tsx';
import { buildsWords as w } from '../../../words/builds.ts';

const addressOf = (buildId: string, name: string): string =>
  `${serverUrl}/v1/builds/${encodeURIComponent(buildId)}/artifacts/${encodeURIComponent(name)}`;

const columnsFor = (buildId: string): Column<Artifact>[] => [
  {
    key: 'name',
    head: w.columns.file,
    fixed: true,
    width: 'minmax(160px,1fr)',
    cell: ({ name, primary }) => (
      <span className="row clip">
        <Text value={name} max={120} mono className="clip" />
        {primary ? <Badge tone="done">{w.io.primary}</Badge> : null}
      </span>
    ),
  },
  {
    key: 'size',
    head: w.columns.size,
    align: 'end',
    width: '96px',
    cell: ({ sizeBytes }) => <span className="num">{bytes(sizeBytes)}</span>,
  },
  {
    key: 'sha',
    head: w.io.sha256,
    width: 'minmax(160px,1.4fr)',
    cell: ({ sha256 }) => <CopyId id={sha256} />,
  },
  { key: 'made', head: w.io.made, align: 'end', width: '112px', cell: ({ createdAt }) => <Time at={createdAt} /> },
  {
    key: 'get',
    head: w.io.download,
    width: '132px',
    cell: ({ name, available }) =>
      available ? (
        <ButtonLink href={addressOf(buildId, name)} size="s" icon={<Download aria-hidden />} download={name}>
          {w.io.download}
        </ButtonLink>
      ) : (
        <span className="text-soft">{w.io.removed}</span>
      ),
  },
];

/** What was asked for, what was sent along, and what came out. */
export function IoTab({ build }: { build: Build }): ReactNode {
  const columns = useMemo(() => columnsFor(build.id), [build.id]);
  return (
    <div className="stack">
      <Panel title={w.io.artifacts} flush>
        <DataTable<Artifact>
          label={w.io.artifacts}
          columns={columns}
          rows={build.artifacts}
          rowKey={({ id }) => id}
          height="auto"
          empty={
            <p className="p-4 text-soft">{build.expects === 'nothing' ? w.io.expectsNothing : w.io.noArtifacts}</p>
          }
        />
      </Panel>
      <Panel
        title={w.io.source}
        actions={
          build.source.available ? (
            <ButtonLink
              href={`${serverUrl}/v1/builds/${encodeURIComponent(build.id)}/source`}
              size="s"
              icon={<Download aria-hidden />}
              download
            >
              {w.io.download}
            </ButtonLink>
          ) : undefined
        }
      >
        <Facts
          columns={2}
          items={[
            { label: w.columns.size, value: <span className="num">{bytes(build.source.sizeBytes)}</span> },
            { label: w.io.format, value: build.source.format },
            { label: w.io.sha256, value: <CopyId id={build.source.sha256} />, wide: true },
            { label: w.io.certs, value: build.certs ? w.io.certsThere : w.io.certsNone },
            ...(build.source.available ? [] : [{ label: w.io.kept, value: w.io.removed }]),
          ]}
        />
      </Panel>
      <Panel title={w.io.request}>
        <Facts columns={3} items={requestFacts(build)} />
      </Panel>
      <Panel title={w.io.whole}>
        <JsonTree value={build} label={w.io.whole} open={1} />
      </Panel>
    </div>
  );
}

function requestFacts(build: Build): Fact[] {
  const { requires, env, secretEnvNames, concurrency, notBefore, command, task } = build;
  const some = (facts: (Fact | false)[]): Fact[] => facts.filter((fact) => fact !== false);
  return some([
    { label: w.columns.platform, value: build.platform },
    { label: w.columns.queue, value: <Text value={build.queue} max={64} mono /> },
    { label: w.columns.priority, value: <span className="num">{build.priority}</span> },
    Object.keys(requires).length > 0 && { label: w.io.requires, value: <Tags tags={requires} max={16} />, wide: true },
    command !== null && { label: w.io.command, value: <Text value={command} max={2_000} mono lines />, wide: true },
    task !== null && { label: w.io.task, value: <Text value={task} max={64} mono /> },
    { label: w.io.maxRun, value: <span className="num">{duration(build.maxRunMs)}</span> },
    { label: w.io.attemptsMax, value: <span className="num">{build.attemptsMax}</span> },
    {
      label: w.io.retryOn,
      value: build.retryOn.length === 0 ? w.io.never : build.retryOn.map((who) => w.attribution[who]).join(', '),
    },
    { label: w.io.expects, value: build.expects },
    notBefore !== null && { label: w.io.notBefore, value: <Time at={notBefore} show="exact" /> },
    build.queueDeadlineMs !== null && {
      label: w.io.deadline,
      value: <span className="num">{duration(build.queueDeadlineMs)}</span>,
    },
    concurrency !== null && {
      label: w.io.key,
      value: <Text value={w.io.keyOf(concurrency.key, concurrency.limit, concurrency.mode)} max={260} />,
    },
    Object.keys(env).length > 0 && {
      label: w.io.env,
      value: <JsonTree value={env} label={w.io.env} open={1} />,
      wide: true,
    },
    secretEnvNames.length > 0 && {
      label: w.io.secretEnv,
      value: secretEnvNames.map((name) => `${name}=•••`).join('  '),
      wide: true,
    },
  ]);
}
