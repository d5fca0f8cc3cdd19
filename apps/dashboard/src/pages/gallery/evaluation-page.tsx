import type { GalleryEvaluation, GalleryStats } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { DateRange } from '../../parts/date-range.tsx';
import { compact, count, percent } from '../../parts/format.ts';
import { Money } from '../../parts/money.tsx';
import { Panel } from '../../parts/panel.tsx';
import { instant, searchOf, span } from '../../parts/search.ts';
import { StatGrid, StatTile } from '../../parts/stat-tile.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import type { CardContent } from '../../parts/table-cards.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { galleryWords } from '../../words/gallery.ts';
import { evaluationWords as words } from '../../words/gallery-running.ts';
import { GalleryArea } from './area.tsx';
import { evaluationQuery, windowStatsQuery } from './data.ts';
import { GraphPanel } from './graph-panel.tsx';
import { actsOf } from './hours.ts';
import { Loaded } from './loaded.tsx';
import { MixBar } from './mix-bar.tsx';
import { ReplayPanel } from './replay-panel.tsx';
import { useWindow } from './window.ts';

const search = searchOf({ last: span(), from: instant(), to: instant() });

/** How alive and how different the fleet is. */
export function EvaluationPage(): ReactNode {
  const client = useClient();
  const { values, set } = useSearch(search);
  const { last, from, to } = values;
  const window = useWindow({ last: last ?? (from === undefined && to === undefined ? '24h' : undefined), from, to });
  const evaluation = useQuery(evaluationQuery(client, window));
  const stats = useQuery(windowStatsQuery(client, window, 'persona'));
  return (
    <GalleryArea
      current="evaluation"
      title={words.title}
      line={<span className="text-soft">{words.note}</span>}
      actions={
        <DateRange
          value={{
            ...(from === undefined && to === undefined ? { last: last ?? '24h' } : {}),
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
          }}
          onChange={(next) => set({ last: next.last, from: next.from, to: next.to })}
          presets={['1h', '24h', '7d']}
        />
      }
    >
      <Loaded query={evaluation} lines={8}>
        {(data) => <Measures evaluation={data} />}
      </Loaded>
      <Loaded query={stats}>{(data) => <ByPersona stats={data} />}</Loaded>
      <GraphPanel window={window} />
      <ReplayPanel window={window} />
    </GalleryArea>
  );
}

const shares = [
  'distinct1',
  'distinct2',
  'meanPairwiseJaccard',
  'nearDuplicateRate',
  'selfRepetition',
  'questions',
  'suggestions',
  'praise',
  'factsNamed',
] as const;
const numbers = ['hoursVsCurve', 'giniActivity', 'giniAttention'] as const;

function Measures({ evaluation }: { evaluation: GalleryEvaluation }): ReactNode {
  const { texts, sampled, mix, costPerKeptActMicros } = evaluation;
  const said = (value: number | null, show: (value: number) => string): string =>
    value === null ? words.tooFew : show(value);
  return (
    <>
      <p className="m-0 text-soft">
        {words.texts(count(texts))}
        {sampled ? `, ${words.sampled}` : ''}
      </p>
      <StatGrid>
        {shares.map((name) => (
          <StatTile
            key={name}
            label={words.measures[name][0]}
            value={said(evaluation[name], percent)}
            note={words.measures[name][1]}
          />
        ))}
        {numbers.map((name) => (
          <StatTile
            key={name}
            label={words.measures[name][0]}
            value={said(evaluation[name], (value) => value.toFixed(2))}
            note={words.measures[name][1]}
          />
        ))}
        <StatTile
          label={words.cost}
          value={costPerKeptActMicros === null ? words.tooFew : <Money micros={costPerKeptActMicros} />}
        />
      </StatGrid>
      <Panel title={words.mix}>
        <div className="stack">
          <div>
            <div className="text-sm text-soft">{words.wanted}</div>
            <MixBar label={words.wanted} mix={mix.wanted} />
          </div>
          <div>
            <div className="text-sm text-soft">{words.done}</div>
            <MixBar label={words.done} mix={mix.done} />
          </div>
        </div>
      </Panel>
    </>
  );
}

type Group = GalleryStats['groups'][number];
const number = (value: number): ReactNode => <span className="num">{count(value)}</span>;
const columns: readonly Column<Group>[] = [
  {
    key: 'group',
    head: words.columns.group,
    width: 'minmax(140px,1fr)',
    fixed: true,
    cell: ({ group }) => group ?? galleryWords.custom,
  },
  {
    key: 'mix',
    head: words.columns.mix,
    width: 'minmax(160px,1.4fr)',
    cell: ({ mix }) => <MixBar compact label={words.columns.mix} mix={mix.done} />,
  },
  { key: 'bots', head: words.columns.bots, width: '72px', align: 'end', cell: ({ bots }) => number(bots) },
  { key: 'thinks', head: words.columns.thinks, width: '88px', align: 'end', cell: ({ thinks }) => number(thinks) },
  { key: 'acts', head: words.columns.acts, width: '80px', align: 'end', cell: (group) => number(actsOf([group])) },
  { key: 'failed', head: words.columns.failed, width: '80px', align: 'end', cell: ({ failed }) => number(failed) },
  {
    key: 'tokens',
    head: words.columns.tokens,
    width: '104px',
    align: 'end',
    cell: ({ tokensIn, tokensOut }) => <span className="num">{compact(tokensIn + tokensOut)}</span>,
  },
  {
    key: 'cost',
    head: words.columns.cost,
    width: '88px',
    align: 'end',
    cell: ({ costMicros }) => <Money micros={costMicros} />,
  },
];

const groupCard: (row: Group) => CardContent = (group) => ({
  lead: <MixBar compact label={words.columns.mix} mix={group.mix.done} />,
  title: group.group ?? galleryWords.custom,
  end: number(actsOf([group])),
});

function ByPersona({ stats }: { stats: GalleryStats }): ReactNode {
  const skips = new Map<string, number>();
  for (const group of stats.groups)
    for (const [reason, n] of Object.entries(group.skips)) skips.set(reason, (skips.get(reason) ?? 0) + n);
  return (
    <>
      <Panel title={words.byPersona} flush>
        <DataTable<Group>
          label={words.byPersona}
          columns={columns}
          rows={stats.groups}
          rowKey={({ group }) => group ?? galleryWords.custom}
          card={groupCard}
        />
      </Panel>
      <Panel title={words.skips}>
        {skips.size === 0 ? <p className="m-0 text-soft">{words.skipsNone}</p> : null}
        <ul className="m-0 grid list-none grid-cols-[repeat(auto-fill,minmax(14rem,1fr))] gap-x-6 gap-y-1 p-0">
          {[...skips]
            .sort(([, a], [, b]) => b - a)
            .map(([reason, n]) => (
              <li key={reason} className="spread">
                <span>{galleryWords.reasonOf(reason)}</span>
                <span className="num">{count(n)}</span>
              </li>
            ))}
        </ul>
      </Panel>
    </>
  );
}
