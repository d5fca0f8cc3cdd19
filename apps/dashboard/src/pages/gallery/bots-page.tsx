import type { BotQuery } from '@muster/client';
import type { BotCommand, BotFilter, GalleryBot } from '@muster/protocol';
import { botSorts, desiredStates, galleryBotStates, galleryWaitingReasons, tiers } from '@muster/protocol/gallery';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { serverUrl } from '../../api/place.ts';
import { Button, ButtonLink } from '../../parts/button.tsx';
import { EmptyState, NothingMatches } from '../../parts/empty-state.tsx';
import { FilterBar, type FilterKey } from '../../parts/filter-bar.tsx';
import { count } from '../../parts/format.ts';
import { Menu } from '../../parts/menu.tsx';
import { Link, useNav } from '../../parts/nav.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { flag, many, oneOf, searchOf, text } from '../../parts/search.ts';
import { snippetTabs } from '../../parts/snippet.tsx';
import { DataTable } from '../../parts/table.tsx';
import { useTableLayout } from '../../parts/table-layout.ts';
import { TableOptions } from '../../parts/table-options.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords as words } from '../../words/gallery-bots.ts';
import { GalleryArea } from './area.tsx';
import { botCard, botColumns } from './bot-columns.tsx';
import { type Chosen, useBulk } from './bulk.tsx';
import { refusal } from './commands.ts';
import { fleetQuery, mindsQuery, personasQuery, useBots, useSettled } from './data.ts';
import { TasksPanel } from './tasks.tsx';

const search = searchOf({
  state: many(oneOf(galleryBotStates)),
  desired: many(oneOf(desiredStates)),
  persona: many(text(60)),
  tier: many(oneOf(tiers)),
  target: text(60),
  reason: text(60),
  mind: text(),
  deleted: oneOf(['only', 'too']),
  q: text(),
  sort: oneOf(botSorts),
  up: flag(),
});
type Values = ReturnType<typeof search.parse>['values'];

/** What only the owner of a bot knows is in no row, so no list can be narrowed by it. */
const inMemory = [
  'outside_active_hours',
  'no_owner',
  'restoring',
  'draining',
  'capacity',
  'mind_unavailable',
  'target_rate_limited',
];
const filterable = Object.keys(galleryWaitingReasons).filter((reason) => !inMemory.includes(reason));

const bulkCommands: readonly BotCommand[] = ['start', 'pause', 'resume', 'stop', 'delete'];
const deletedCommands: readonly BotCommand[] = ['restore', 'purge'];

/** The filter as the server takes it; empty when nothing is chosen. */
function filterOf({ state, desired, persona, tier, target, reason, mind, deleted, q }: Values): BotFilter {
  const listed = (values: readonly string[]): string | undefined =>
    values.length === 0 ? undefined : values.join(',');
  const all = {
    state: listed(state),
    desired: listed(desired),
    persona: listed(persona),
    tier: listed(tier),
    target,
    reason,
    mind,
    deleted,
    q: q?.trim() === '' ? undefined : q?.trim(),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** All bots of the project, and one command to any number of them. */
export function BotsPage(): ReactNode {
  const { values } = useSearch(search);
  const operate = useMay('gallery:operate');
  const { dialog, ask } = useBulk();
  const filter = filterOf(values);
  const narrowed = Object.keys(filter).length > 0;
  const commands = values.deleted === 'only' || values.state.includes('deleted') ? deletedCommands : bulkCommands;
  const chosen: Chosen = narrowed ? { filter } : { all: true };
  const what = narrowed ? words.bulk.matching : words.bulk.everything;
  return (
    <GalleryArea
      current="bots"
      title={words.title}
      fill
      actions={
        <>
          <Menu
            label={words.bulk.menu}
            variant="secondary"
            items={commands.map((command) => ({
              key: command,
              label: words.bulk.allOf(command, what),
              danger: command === 'delete' || command === 'purge',
              disabledReason: operate.reason,
              onSelect: () => ask(command, chosen),
            }))}
          >
            {words.bulk.menu}
          </Menu>
          <ButtonLink to="/gallery/bots/new?mode=seed">{words.seed}</ButtonLink>
          <ButtonLink to="/gallery/bots/new" variant="primary">
            {words.new}
          </ButtonLink>
        </>
      }
    >
      <TasksPanel />
      <List filter={filter} commands={commands} ask={ask} />
      {dialog}
    </GalleryArea>
  );
}

type ListProps = {
  filter: BotFilter;
  commands: readonly BotCommand[];
  ask: (command: BotCommand, chosen: Chosen) => void;
};

function List({ filter, commands, ask }: ListProps): ReactNode {
  const { values, invalid, set, drop, clear } = useSearch(search);
  const nav = useNav();
  const operate = useMay('gallery:operate');
  const { data: fleet } = useQuery(fleetQuery(useClient()));
  const settled = useSettled(filter.q);
  const narrowed = Object.keys(filter).length > 0;
  const query: BotQuery = {
    ...filter,
    ...(settled === undefined ? {} : { q: settled }),
    ...(values.sort === undefined ? {} : { sort: values.sort, order: values.up ? 'asc' : 'desc' }),
  };
  if (settled === undefined) delete query.q;
  const pages = useBots(query);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [allMatching, setAllMatching] = useState(false);
  const [layout, setLayout] = useTableLayout('gallery-bots');
  const chosen = (): Chosen => (allMatching ? (narrowed ? { filter } : { all: true }) : { ids: [...selection] });
  const rows = pages.rows;
  const picked = rows.filter(({ id }) => selection.has(id));
  const whyNot = (command: BotCommand): string | undefined => {
    if (operate.reason !== undefined) return operate.reason;
    const refusals = picked.map((bot) => refusal(bot, command));
    return !allMatching && picked.length > 0 && refusals.every((each) => each !== undefined)
      ? words.bulk.pick
      : undefined;
  };
  return (
    <>
      <PersonaChips values={values} onPick={(persona) => set({ persona })} />
      <FilterBar
        keys={useFilterKeys()}
        values={{
          state: values.state,
          desired: values.desired,
          tier: values.tier,
          persona: values.persona,
          target: oneOrNone(values.target),
          reason: oneOrNone(values.reason),
          mind: oneOrNone(values.mind),
          deleted: oneOrNone(values.deleted),
        }}
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
        onChange={(key, next) => set(patchOf(key, next))}
        text={{
          value: values.q ?? '',
          onChange: (q) => set({ q: q === '' ? undefined : q }, { replace: true }),
          placeholder: words.filters.placeholder,
        }}
        end={<TableOptions columns={botColumns} layout={layout} onLayout={setLayout} />}
      />
      {pages.problem ? (
        <ProblemPanel
          problem={pages.problem}
          onRetry={pages.retry}
          {...(pages.lastGoodAt === undefined ? {} : { lastGoodAt: pages.lastGoodAt })}
        />
      ) : null}
      <DataTable<GalleryBot>
        label={words.label}
        height="fill"
        columns={botColumns}
        rows={rows}
        rowKey={({ id }) => id}
        rowTo={({ id }) => `/gallery/bots/${id}`}
        rowLabel={({ name }) => name}
        version={({ version }) => version}
        card={botCard}
        layout={layout}
        loading={pages.loading}
        stale={pages.problem !== undefined}
        total={narrowed ? null : (fleet?.bots ?? null)}
        more={pages.more}
        sort={values.sort === undefined ? null : { key: values.sort, dir: values.up ? 'asc' : 'desc' }}
        onSort={(sort) =>
          set({ sort: botSorts.find((each) => each === sort.key), up: sort.dir === 'asc' }, { replace: true })
        }
        selection={selection}
        onSelection={(next) => {
          setSelection(next);
          setAllMatching(false);
        }}
        allMatching={allMatching}
        onAllMatching={setAllMatching}
        bulk={
          <>
            {commands.map((command) => (
              <Button
                key={command}
                size="s"
                variant={command === 'delete' || command === 'purge' ? 'danger' : 'secondary'}
                disabledReason={whyNot(command)}
                onClick={() => ask(command, chosen())}
              >
                {words.commands[command]}
              </Button>
            ))}
          </>
        }
        rowMenu={(bot) =>
          commands.map((command) => ({
            key: command,
            label: words.commands[command],
            danger: command === 'delete' || command === 'purge',
            disabledReason: operate.reason ?? refusal(bot, command),
            onSelect: () => ask(command, { ids: [bot.id] }),
          }))
        }
        empty={
          narrowed ? (
            <NothingMatches
              chips={Object.entries(filter).map(([name, value]) => ({ name, value: String(value) }))}
              onClear={clear}
            />
          ) : (
            <EmptyState
              title={words.empty}
              detail={words.emptyDetail}
              action={
                <Button variant="primary" onClick={() => nav.navigate('/gallery/bots/new?mode=seed')}>
                  {words.seed}
                </Button>
              }
              snippets={snippetTabs({
                curl: galleryWords.fleet.snippets.curl(serverUrl),
                cli: galleryWords.fleet.snippets.cli(),
                sdk: galleryWords.fleet.snippets.sdk(),
              })}
            />
          )
        }
      />
    </>
  );
}

const oneOrNone = (value: string | undefined): string[] => (value === undefined ? [] : [value]);

function patchOf(key: string, next: readonly string[]): Partial<Values> {
  const among = <T extends string>(known: readonly T[]): T[] => known.filter((each) => next.includes(each));
  switch (key) {
    case 'state':
      return { state: among(galleryBotStates) };
    case 'desired':
      return { desired: among(desiredStates) };
    case 'tier':
      return { tier: among(tiers) };
    case 'persona':
      return { persona: [...next] };
    case 'deleted':
      return { deleted: among(['only', 'too'] as const)[0] };
    case 'target':
      return { target: next[0] };
    case 'reason':
      return { reason: next[0] };
    default:
      return { mind: next[0] };
  }
}

function useFilterKeys(): FilterKey[] {
  const client = useClient();
  const { data: personas } = useQuery(personasQuery(client));
  const { data: fleet } = useQuery(fleetQuery(client));
  const { data: minds } = useQuery(mindsQuery(client));
  const plainly = (values: readonly string[]): { value: string; label: string }[] =>
    values.map((value) => ({ value, label: galleryWords.reasonOf(value) }));
  const { filters } = words;
  return [
    { key: 'state', label: filters.state, options: plainly(galleryBotStates) },
    { key: 'desired', label: filters.desired, options: plainly(desiredStates) },
    {
      key: 'persona',
      label: filters.persona,
      options: [
        ...(personas ?? []).map(({ id, title }) => ({ value: id, label: id, hint: title })),
        { value: 'custom', label: galleryWords.custom },
      ],
    },
    { key: 'tier', label: filters.tier, options: plainly(tiers) },
    {
      key: 'target',
      label: filters.target,
      one: true,
      options: (fleet?.targets ?? []).map(({ id }) => ({ value: id, label: id })),
    },
    { key: 'reason', label: filters.reason, one: true, options: plainly(filterable) },
    {
      key: 'mind',
      label: filters.mind,
      one: true,
      options: (minds ?? []).map(({ name }) => ({ value: name, label: name })),
    },
    {
      key: 'deleted',
      label: filters.deleted,
      one: true,
      options: [
        { value: 'only', label: filters.deletedOnly },
        { value: 'too', label: filters.deletedToo },
      ],
    },
  ];
}

/** Personas with their counts: the quickest way to narrow the list. */
function PersonaChips({ values, onPick }: { values: Values; onPick: (persona: string[]) => void }): ReactNode {
  const { data: fleet } = useQuery(fleetQuery(useClient()));
  if (!fleet || fleet.personas.length < 2) return null;
  const { persona } = values;
  return (
    <nav aria-label={words.personas} className="flex shrink-0 gap-2 overflow-x-auto pb-1">
      {fleet.personas.map(({ id, bots }) => {
        const key = id ?? 'custom';
        const on = persona.includes(key);
        return (
          <button
            key={key}
            type="button"
            aria-pressed={on}
            className={`chip shrink-0 cursor-pointer px-2 ${on ? 'border-accent text-accent' : ''}`}
            onClick={() => onPick(on ? persona.filter((each) => each !== key) : [...persona, key])}
          >
            <span>{id ?? galleryWords.custom}</span>
            <span className="num pl-1 text-soft">{count(bots)}</span>
          </button>
        );
      })}
      <Link to="/gallery/personas" className="sr-only">
        {words.personas}
      </Link>
    </nav>
  );
}
