import type { GalleryBot } from '@muster/protocol';
import type { ReactNode } from 'react';
import { Countdown } from '../../parts/duration.tsx';
import { count } from '../../parts/format.ts';
import { Money } from '../../parts/money.tsx';
import { State } from '../../parts/state.tsx';
import type { Column } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time, useNow } from '../../parts/time.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';

const words = botsWords.columns;

export const botColumns: readonly Column<GalleryBot>[] = [
  {
    key: 'state',
    head: words.state,
    width: '104px',
    fixed: true,
    cell: ({ state }) => <State kind="galleryBot" state={state} />,
  },
  {
    key: 'name',
    head: words.name,
    width: 'minmax(150px,1fr)',
    sortable: true,
    fixed: true,
    main: true,
    cell: ({ name }) => (
      <span className="clip block">
        <Text value={name} max={60} className="font-medium" />
      </span>
    ),
  },
  {
    key: 'username',
    head: words.username,
    width: '152px',
    hidden: true,
    cell: ({ username }) => <Soft text={`@${username}`} />,
  },
  {
    key: 'persona',
    head: words.persona,
    width: '112px',
    cell: ({ personaId }) => <Soft text={personaId ?? galleryWords.custom} />,
  },
  { key: 'why', head: words.why, width: 'minmax(150px,1.2fr)', cell: (bot) => <Why bot={bot} /> },
  {
    key: 'nextThinkAt',
    head: words.next,
    width: '108px',
    sortable: true,
    align: 'end',
    cell: (bot) => <NextThink bot={bot} />,
  },
  {
    key: 'lastActionAt',
    head: words.last,
    width: '88px',
    sortable: true,
    align: 'end',
    cell: ({ lastActionAt }) => <Time at={lastActionAt} />,
  },
  {
    key: 'acts',
    head: words.acts,
    width: '136px',
    align: 'end',
    cell: ({ counts }) => (
      <span className="num">{`${count(counts.posts)} / ${count(counts.comments + counts.replies)} / ${count(counts.likes)}`}</span>
    ),
  },
  {
    key: 'cost',
    head: words.cost,
    width: '80px',
    sortable: true,
    align: 'end',
    cell: ({ costMicros }) => <Money micros={costMicros} />,
  },
  { key: 'target', head: words.target, width: '104px', hidden: true, cell: ({ targetId }) => <Soft text={targetId} /> },
  {
    key: 'tier',
    head: words.tier,
    width: '88px',
    hidden: true,
    cell: ({ effective }) => <Soft text={effective.tier} />,
  },
  {
    key: 'mind',
    head: words.mind,
    width: '120px',
    hidden: true,
    cell: ({ effective }) => <Soft text={effective.mind} />,
  },
  {
    key: 'createdAt',
    head: words.created,
    width: '104px',
    hidden: true,
    sortable: true,
    align: 'end',
    cell: ({ createdAt }) => <Time at={createdAt} />,
  },
];

const Soft = ({ text }: { text: string }): ReactNode => (
  <span className="clip block">
    <Text value={text} max={60} />
  </span>
);

/** Waiting and failed bots always say why (D3). */
export const whyOf = ({ waiting, lastError, state }: GalleryBot): string | null =>
  waiting?.detail ?? (state === 'error' ? lastError : null);

function Why({ bot }: { bot: GalleryBot }): ReactNode {
  const why = whyOf(bot);
  return why === null ? (
    <span className="text-soft">{galleryWords.none}</span>
  ) : (
    <span className="clip block">
      <Text value={why} max={160} />
    </span>
  );
}

/** How long until the next think, when one is set and nothing is in its way. */
export function NextThink({
  bot,
}: {
  bot: Pick<GalleryBot, 'state' | 'nextThinkAt' | 'sleepUntil' | 'waiting'>;
}): ReactNode {
  const now = useNow(1_000);
  const at =
    bot.state === 'running'
      ? bot.nextThinkAt
      : bot.state === 'sleeping'
        ? (bot.waiting?.resumesAt ?? bot.sleepUntil)
        : null;
  if (at === null) return <span className="text-soft">{galleryWords.none}</span>;
  return Date.parse(at) <= now ? <span className="text-soft">{botsWords.soon}</span> : <Countdown until={at} />;
}

export const botCard = (bot: GalleryBot): { lead: ReactNode; title: ReactNode; sub?: ReactNode; end?: ReactNode } => ({
  lead: <State kind="galleryBot" state={bot.state} />,
  title: <Text value={bot.name} max={60} />,
  sub: <Text value={whyOf(bot) ?? `@${bot.username} · ${bot.personaId ?? galleryWords.custom}`} max={120} />,
  end: <NextThink bot={bot} />,
});
