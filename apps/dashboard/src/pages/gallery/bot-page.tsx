import type { BotCommand, GalleryBot } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { useFollow } from '../../live/use-live.ts';
import { Button } from '../../parts/button.tsx';
import { CopyId } from '../../parts/copy-id.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { useKeys } from '../../parts/keys.tsx';
import { Menu } from '../../parts/menu.tsx';
import { Money } from '../../parts/money.tsx';
import { Link, useNav } from '../../parts/nav.tsx';
import { BackLink } from '../../parts/page.tsx';
import { oneOf, searchOf, text } from '../../parts/search.ts';
import { State } from '../../parts/state.tsx';
import { TabPanel, Tabs } from '../../parts/tabs.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { WaitingWhy } from '../../parts/why-line.tsx';
import { usePathParam } from '../../shell/path-param.ts';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { GalleryArea } from './area.tsx';
import { BotApi } from './bot-api.tsx';
import { NextThink } from './bot-columns.tsx';
import { BotEdit } from './bot-edit.tsx';
import { BotLife } from './bot-life.tsx';
import { BotPreview } from './bot-preview.tsx';
import { BotLedger, BotMemory, BotRelations, BotSpend } from './bot-records.tsx';
import { BotPosts, BotThoughts } from './bot-thoughts.tsx';
import { CloneDialog } from './clone-dialog.tsx';
import { useBotActions } from './commands.ts';
import { botQuery, botStream, fleetQuery, useSeldom } from './data.ts';
import { Loaded } from './loaded.tsx';
import { profileHref } from './sandbox-link.tsx';

const words = botsWords.bot;
const tabKeys = ['life', 'thoughts', 'posts', 'ledger', 'memory', 'relations', 'spend', 'next', 'edit', 'api'] as const;
const search = searchOf({ tab: oneOf(tabKeys), thought: text(), state: oneOf(['open', 'done', 'failed', 'dropped']) });

/** The run page of one gallery bot. */
export function BotPage(): ReactNode {
  const id = usePathParam('id');
  const query = useQuery(botQuery(useClient(), id));
  const gone = query.error instanceof MusterError && query.error.code === 'notFound';
  if (query.data && !gone) return <Shown bot={query.data} />;
  return (
    <GalleryArea current="bots" title={id} lead={<BackLink to="/gallery/bots">{words.back}</BackLink>}>
      {gone ? <EmptyState title={words.gone} detail={words.goneDetail} /> : <Loaded query={query}>{() => null}</Loaded>}
    </GalleryArea>
  );
}

const refreshEveryMs = 1_500;

function Shown({ bot }: { bot: GalleryBot }): ReactNode {
  const queries = useQueryClient();
  const nav = useNav();
  const { data: fleet } = useQuery(fleetQuery(useClient()));
  const { values, set } = useSearch(search);
  const tab = values.tab ?? 'life';
  // Each think changes what is recorded; it is read again when one ended.
  const refresh = useSeldom(() => {
    void queries.invalidateQueries({ queryKey: ['gallery', 'bots', 'one', bot.id] });
    void queries.invalidateQueries({ queryKey: ['gallery', 'records', bot.id] });
  }, refreshEveryMs);
  useFollow(botStream(bot.id), { take: refresh, gap: refresh });
  const inSandbox = fleet?.targets.find(({ id }) => id === bot.targetId)?.kind === 'sandbox';
  const shared = {
    bot,
    inSandbox,
    thought: values.thought,
    onThought: (thought?: string) => set({ thought }, { replace: true }),
  };
  return (
    <GalleryArea
      current="bots"
      lead={<BackLink to="/gallery/bots">{words.back}</BackLink>}
      title={<Text value={bot.name} max={100} />}
      note={<CopyId id={bot.id} short />}
      actions={
        <Actions
          bot={bot}
          inSandbox={inSandbox}
          onPurged={() => nav.navigate('/gallery/bots')}
          onEdit={() => set({ tab: 'edit' })}
        />
      }
      line={<Line bot={bot} />}
    >
      {bot.waiting ? <WaitingWhy waiting={bot.waiting} /> : null}
      <div>
        <Tabs
          label={words.tabsLabel}
          value={tab}
          onChange={(key) => set({ tab: tabKeys.find((each) => each === key) })}
          items={tabKeys.map((key) => ({ key, label: words.tabs[key] }))}
        />
        <TabPanel label={words.tabsLabel} tab={tab} value={tab}>
          <div className="stack">
            {tab === 'life' ? <BotLife {...shared} /> : null}
            {tab === 'thoughts' ? <BotThoughts {...shared} /> : null}
            {tab === 'posts' ? <BotPosts {...shared} /> : null}
            {tab === 'ledger' ? (
              <BotLedger {...shared} state={values.state} onState={(state) => set({ state })} />
            ) : null}
            {tab === 'memory' ? <BotMemory bot={bot} inSandbox={inSandbox} /> : null}
            {tab === 'relations' ? <BotRelations bot={bot} inSandbox={inSandbox} /> : null}
            {tab === 'spend' ? <BotSpend bot={bot} /> : null}
            {tab === 'next' ? <BotPreview bot={bot} inSandbox={inSandbox} /> : null}
            {tab === 'edit' ? <BotEdit key={bot.id} bot={bot} /> : null}
            {tab === 'api' ? <BotApi bot={bot} /> : null}
          </div>
        </TabPanel>
      </div>
    </GalleryArea>
  );
}

/** What it is, where it lives, when it thinks next, what it came to. */
function Line({ bot }: { bot: GalleryBot }): ReactNode {
  const { counts } = bot;
  const personaAt = bot.personaId === null ? null : `/gallery/personas/${bot.personaId}`;
  return (
    <>
      <State kind="galleryBot" state={bot.state} size="m" />
      <span className="text-soft">@{bot.username}</span>
      <span>{personaAt === null ? galleryWords.custom : <Link to={personaAt}>{bot.personaId}</Link>}</span>
      <Link to={`/gallery/targets?target=${bot.targetId}`}>{bot.targetId}</Link>
      {bot.state === 'running' ? (
        <span data-countdown>
          <span className="text-soft">{words.next}</span> <NextThink bot={bot} />
        </span>
      ) : null}
      <span>
        <span className="text-soft">{words.last}</span> <Time at={bot.lastActionAt} />
      </span>
      <span>
        <span className="text-soft">{words.cost}</span> <Money micros={bot.costMicros} />
      </span>
      <span className="num">{words.posts(counts.posts)}</span>
      <span className="num">{words.comments(counts.comments + counts.replies)}</span>
      <span className="num">{words.likes(counts.likes)}</span>
    </>
  );
}

/** The one or two that are meant in each state stand as buttons; all others are in the menu. */
const primary: Readonly<Record<GalleryBot['state'], readonly BotCommand[]>> = {
  idle: ['start'],
  running: ['pause', 'wake'],
  paused: ['resume'],
  sleeping: ['wake', 'pause'],
  error: ['start'],
  deleted: ['restore'],
};
const others: readonly BotCommand[] = ['start', 'pause', 'resume', 'stop', 'wake', 'restore', 'delete', 'purge'];

type ActionsProps = { bot: GalleryBot; inSandbox: boolean; onPurged: () => void; onEdit: () => void };

function Actions({ bot, inSandbox, onPurged, onEdit }: ActionsProps): ReactNode {
  const actions = useBotActions(bot, onPurged);
  const operate = useMay('gallery:operate');
  const [cloning, setCloning] = useState(false);
  const shown = primary[bot.state];
  const press = (command: BotCommand): void => {
    if (actions.disabledReason(command) === undefined) actions.run(command);
  };
  useKeys([
    { keys: 'r', label: words.tabs.life, run: () => press(bot.state === 'paused' ? 'resume' : 'start') },
    { keys: 'c', label: words.tabs.life, run: () => press('stop') },
  ]);
  return (
    <>
      {shown.map((command, at) => (
        <Button
          key={command}
          variant={at === 0 ? 'primary' : 'secondary'}
          busy={actions.busy === command}
          disabledReason={actions.disabledReason(command)}
          onClick={() => actions.run(command)}
        >
          {botsWords.commands[command]}
        </Button>
      ))}
      <Menu
        label={galleryWords.more}
        items={[
          ...others
            .filter((command) => !shown.includes(command))
            .map((command) => ({
              key: command,
              label: botsWords.commands[command],
              danger: command === 'delete' || command === 'purge',
              disabledReason: actions.disabledReason(command),
              onSelect: () => actions.run(command),
            })),
          { key: 'rule', rule: true as const },
          { key: 'edit', label: words.edit, disabledReason: operate.reason, onSelect: onEdit },
          { key: 'clone', label: words.clone, disabledReason: operate.reason, onSelect: () => setCloning(true) },
          { key: 'budget', label: words.budget, to: `/gallery/budgets?scope=bot:${bot.id}` },
          ...(inSandbox ? [{ key: 'profile', label: galleryWords.openProfile, href: profileHref(bot.username) }] : []),
        ]}
      />
      <CloneDialog bot={bot} open={cloning} onClose={() => setCloning(false)} />
    </>
  );
}
