import type { GalleryAction, GalleryBot, GalleryMemory, GalleryRelation, GallerySpend } from '@muster/protocol';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import type { Pages } from '../../api/pages.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button, ButtonLink } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { count } from '../../parts/format.ts';
import { Money } from '../../parts/money.tsx';
import { Panel } from '../../parts/panel.tsx';
import { plain } from '../../parts/plain.ts';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Segmented } from '../../parts/segmented.tsx';
import { State } from '../../parts/state.tsx';
import { type Column, DataTable, type DataTableProps } from '../../parts/table.tsx';
import type { CardContent } from '../../parts/table-cards.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { useAct } from './act.ts';
import type { BotTab } from './bot-life.tsx';
import { BudgetLines } from './budget-lines.tsx';
import { budgetQuery, useActions, useMemory, useRelations, useSpend } from './data.ts';
import { Loaded } from './loaded.tsx';
import { postHref, profileHref } from './sandbox-link.tsx';
import { ThoughtDrawer } from './thought-drawer.tsx';

const words = botsWords.bot;
const number = (value: number): ReactNode => <span className="num">{count(value)}</span>;

type RecordsProps<Row> = Pick<DataTableProps<Row>, 'label' | 'columns' | 'rowKey' | 'rowMenu' | 'card'> & {
  pages: Pages<Row>;
  empty: ReactNode;
};

/** One list of a bot's records. */
function Records<Row>({ pages, empty, ...rest }: RecordsProps<Row>): ReactNode {
  const { rows, loading, problem, lastGoodAt, retry, more } = pages;
  return (
    <>
      {problem ? (
        <ProblemPanel problem={problem} onRetry={retry} {...(lastGoodAt === undefined ? {} : { lastGoodAt })} />
      ) : null}
      <DataTable<Row>
        {...rest}
        rows={rows}
        loading={loading}
        more={more}
        stale={problem !== undefined}
        empty={empty}
        height={560}
      />
    </>
  );
}

const states = ['open', 'done', 'failed', 'dropped'] as const;
type LedgerProps = BotTab & {
  state: GalleryAction['state'] | undefined;
  onState: (state: GalleryAction['state'] | undefined) => void;
};

const ledgerColumns = (onThought: BotTab['onThought']): Column<GalleryAction>[] => {
  const { columns: heads } = words.ledger;
  return [
    {
      key: 'state',
      head: heads.state,
      width: '112px',
      cell: (row) => <State kind="galleryAction" state={row.state} />,
    },
    { key: 'kind', head: heads.kind, width: '88px', cell: ({ kind }) => kind },
    {
      key: 'content',
      head: heads.content,
      width: 'minmax(200px,1fr)',
      cell: ({ content, thoughtId }) => (
        <button
          type="button"
          className="clip block w-full cursor-pointer text-left"
          onClick={() => onThought(thoughtId)}
        >
          {content === '' ? galleryWords.feed.details : <Text value={content} max={160} />}
        </button>
      ),
    },
    {
      key: 'outcome',
      head: heads.outcome,
      width: '160px',
      cell: ({ outcome }) => <Text value={galleryWords.reasonOf(outcome ?? galleryWords.none)} />,
    },
    { key: 'at', head: heads.at, width: '96px', align: 'end', cell: ({ openedAt }) => <Time at={openedAt} /> },
  ];
};

const ledgerCard =
  (onThought: BotTab['onThought']): ((row: GalleryAction) => CardContent) =>
  (row) => ({
    lead: <State kind="galleryAction" state={row.state} note={row.kind} />,
    title: (
      <button type="button" className="clip block w-full text-left" onClick={() => onThought(row.thoughtId)}>
        <Text value={row.content || galleryWords.feed.details} max={100} />
      </button>
    ),
    sub: row.outcome === null ? undefined : galleryWords.reasonOf(row.outcome),
    end: <Time at={row.openedAt} />,
  });

/** Every side effect, once, with its state. */
export function BotLedger({ bot, thought, onThought, state, onState }: LedgerProps): ReactNode {
  const pages = useActions(bot.id, state);
  const columns = ledgerColumns(onThought);
  return (
    <>
      <div className="flex max-w-full overflow-x-auto">
        <Segmented
          label={words.ledger.filter}
          value={state ?? ''}
          onChange={(value) => onState(states.find((each) => each === value))}
          options={[{ value: '', label: words.ledger.all }, ...states.map((value) => ({ value, label: value }))]}
        />
      </div>
      <Records
        label={words.ledger.label}
        columns={columns}
        pages={pages}
        rowKey={({ thoughtId, kind }) => `${thoughtId} ${kind}`}
        empty={<EmptyState title={words.ledger.empty} detail={words.ledger.emptyDetail} />}
        card={ledgerCard(onThought)}
      />
      <ThoughtDrawer id={thought} onClose={() => onThought()} />
    </>
  );
}

const memoryColumns = (inSandbox: boolean): Column<GalleryMemory>[] => {
  const { columns: heads } = words.memory;
  return [
    { key: 'kind', head: heads.kind, width: '104px', cell: ({ kind }) => <Badge>{kind}</Badge> },
    {
      key: 'text',
      head: heads.text,
      width: 'minmax(200px,1fr)',
      cell: ({ text, itemId }) =>
        itemId !== null && inSandbox ? (
          <a className="clip block" href={postHref(itemId)} target="_blank" rel="noopener">
            <Text value={text} max={280} />
          </a>
        ) : (
          <span className="clip block">
            <Text value={text} max={280} />
          </span>
        ),
      title: ({ text }) => text,
    },
    {
      key: 'person',
      head: heads.person,
      width: '140px',
      cell: ({ person }) => <Text value={person ?? galleryWords.none} max={40} />,
    },
    {
      key: 'importance',
      head: heads.importance,
      width: '80px',
      align: 'end',
      cell: ({ importance }) => number(importance),
    },
    { key: 'at', head: heads.at, width: '96px', align: 'end', cell: ({ at }) => <Time at={at} /> },
    { key: 'used', head: heads.used, width: '104px', align: 'end', cell: ({ usedAt }) => <Time at={usedAt} /> },
  ];
};

const memoryCard: (row: GalleryMemory) => CardContent = ({ kind, text, person, at }) => ({
  lead: <Badge>{kind}</Badge>,
  title: (
    <span className="clip block">
      <Text value={text} max={160} />
    </span>
  ),
  sub: person === null ? undefined : <Text value={person} max={40} />,
  end: <Time at={at} />,
});

/** What it remembers, newest first. */
export function BotMemory({ bot, inSandbox }: Pick<BotTab, 'bot' | 'inSandbox'>): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const confirm = useConfirm();
  const { reason: noRight } = useMay('gallery:operate');
  const pages = useMemory(bot.id);
  const forget = useAct(
    (memory: string | undefined) => client.gallery.bots.forget(bot.id, memory),
    () => {
      toast({ title: words.memory.forgotten, tone: 'done' });
      void queries.invalidateQueries({ queryKey: ['gallery', 'records', bot.id] });
    },
  );
  const all = async (): Promise<void> => {
    const { allTitle, allDetail, allAction } = words.memory;
    const title = allTitle(plain(bot.name, 60));
    if (await confirm({ title, detail: allDetail, action: allAction, keep: words.keep, danger: true }))
      forget.mutate(undefined);
  };
  const columns = memoryColumns(inSandbox);
  return (
    <>
      <div>
        <Button disabledReason={noRight} onClick={() => void all()}>
          {words.memory.all}
        </Button>
      </div>
      <Records
        label={words.memory.label}
        columns={columns}
        pages={pages}
        rowKey={({ id }) => id}
        rowMenu={({ id }) => [
          {
            key: 'forget',
            label: words.memory.forget,
            danger: true,
            disabledReason: noRight,
            onSelect: () => forget.mutate(id),
          },
        ]}
        empty={<EmptyState title={words.memory.empty} detail={words.memory.emptyDetail} />}
        card={memoryCard}
      />
    </>
  );
}

const relationColumns = (inSandbox: boolean): Column<GalleryRelation>[] => {
  const { columns: heads } = words.relations;
  return [
    {
      key: 'person',
      head: heads.person,
      width: 'minmax(160px,1fr)',
      cell: ({ person, isBot }) => (
        <span className="row">
          {inSandbox ? (
            <a href={profileHref(person)} target="_blank" rel="noopener">
              <Text value={`@${person}`} max={40} />
            </a>
          ) : (
            <Text value={`@${person}`} max={40} />
          )}
          <Badge>{isBot ? words.relations.bot : words.relations.human}</Badge>
        </span>
      ),
    },
    {
      key: 'affinity',
      head: heads.affinity,
      width: '104px',
      align: 'end',
      cell: ({ affinity }) => <span className="num">{affinity.toFixed(2)}</span>,
    },
    { key: 'seen', head: heads.seen, width: '88px', align: 'end', cell: ({ seen }) => number(seen) },
    {
      key: 'exchanged',
      head: heads.exchanged,
      width: '104px',
      align: 'end',
      cell: ({ exchanged }) => number(exchanged),
    },
    { key: 'last', head: heads.last, width: '96px', align: 'end', cell: ({ lastAt }) => <Time at={lastAt} /> },
  ];
};

const relationCard: (row: GalleryRelation) => CardContent = ({ person, isBot, affinity, lastAt }) => ({
  lead: <Badge>{isBot ? words.relations.bot : words.relations.human}</Badge>,
  title: <Text value={`@${person}`} max={40} />,
  sub: `${words.relations.columns.affinity} ${affinity.toFixed(2)}`,
  end: <Time at={lastAt} />,
});

/** Whom it knows, and how well it thinks of them. */
export function BotRelations({ bot, inSandbox }: Pick<BotTab, 'bot' | 'inSandbox'>): ReactNode {
  const pages = useRelations(bot.id);
  const columns = relationColumns(inSandbox);
  return (
    <Records
      label={words.relations.label}
      columns={columns}
      pages={pages}
      rowKey={({ person }) => person}
      empty={<EmptyState title={words.relations.empty} />}
      card={relationCard}
    />
  );
}

const { columns: spendHeads } = words.spend;
const spendColumns: readonly Column<GallerySpend>[] = [
  { key: 'day', head: spendHeads.day, width: 'minmax(112px,1fr)', mono: true, cell: ({ day }) => day },
  { key: 'thinks', head: spendHeads.thinks, width: '96px', align: 'end', cell: ({ thinks }) => number(thinks) },
  { key: 'acted', head: spendHeads.acted, width: '96px', align: 'end', cell: ({ acted }) => number(acted) },
  { key: 'in', head: spendHeads.tokensIn, width: '112px', align: 'end', cell: ({ tokensIn }) => number(tokensIn) },
  { key: 'out', head: spendHeads.tokensOut, width: '112px', align: 'end', cell: ({ tokensOut }) => number(tokensOut) },
  {
    key: 'cost',
    head: spendHeads.cost,
    width: '112px',
    align: 'end',
    cell: ({ costMicros }) => <Money micros={costMicros} />,
  },
];

/** What it spent by day, and today against its caps. */
export function BotSpend({ bot }: { bot: GalleryBot }): ReactNode {
  const scope = `bot:${bot.id}`;
  const budget = useQuery(budgetQuery(useClient(), scope));
  const pages = useSpend(bot.id);
  return (
    <>
      <Panel
        title={words.spend.caps}
        actions={
          <ButtonLink size="s" to={`/gallery/budgets?scope=${scope}`}>
            {words.spend.editCaps}
          </ButtonLink>
        }
      >
        <Loaded query={budget}>{({ lines }) => <BudgetLines lines={lines} />}</Loaded>
      </Panel>
      <Records
        label={words.spend.label}
        columns={spendColumns}
        pages={pages}
        rowKey={({ day }) => day}
        empty={<EmptyState title={words.spend.empty} />}
      />
    </>
  );
}
