import type { Activity } from '@muster/protocol';
import type { ReactNode } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { shortId } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { galleryWords as words } from '../../words/gallery.ts';
import type { FeedLine } from './live-feed.ts';
import { ItemPicture } from './picture.tsx';
import { PostLink, postHref } from './sandbox-link.tsx';

const loud: Readonly<Record<string, string>> = {
  error: 'text-tone-failed',
  panic: 'text-tone-failed',
  blocked: 'text-tone-warn',
  budget: 'text-tone-warn',
};

export type FeedRowProps = {
  line: FeedLine;
  /** Whether its target hangs in the sandbox, where pictures can be looked at. */
  inSandbox: boolean;
  /** On the page of one bot its name says nothing new. */
  nameless?: boolean;
  onOpen: (thoughtId: string) => void;
};

/** One line of the feed: sign, bot, sentence, its reason, the picture it is about. */
export function FeedRow({ line, inSandbox, nameless = false, onOpen }: FeedRowProps): ReactNode {
  const { row } = line;
  const { type, data } = row;
  const itemId = inSandbox ? data.itemId : undefined;
  return (
    <li className="flex gap-3 border-b border-hair px-4 py-2 last:border-b-0" data-activity={row.id} data-type={type}>
      <span aria-hidden className="w-6 shrink-0 pt-0.5 text-center text-lg leading-6">
        {row.emoji}
      </span>
      <div className="min-w-0 grow">
        <div className="flex flex-wrap items-baseline gap-x-2">
          {nameless ? null : <BotName row={row} />}
          <span className={`text-sm ${loud[type] ?? 'text-soft'}`}>{words.types[type]}</span>
          <Time at={row.at} className="text-sm text-soft" />
          {data.reason === undefined ? null : <Badge>{words.reasonOf(data.reason)}</Badge>}
        </div>
        <p className="m-0 [overflow-wrap:anywhere]">
          <Text value={row.message} max={400} />
        </p>
        <Why line={line} onOpen={onOpen} />
        {itemId !== undefined && type === 'post' ? <PostLink itemId={itemId} className="text-sm" /> : null}
      </div>
      {itemId === undefined ? null : (
        <a
          href={postHref(itemId)}
          target="_blank"
          rel="noopener"
          className="shrink-0 self-start"
          aria-label={words.openPost}
        >
          <ItemPicture
            itemId={itemId}
            alt={row.message.slice(0, 120)}
            className={type === 'post' ? 'size-16' : 'size-10'}
          />
        </a>
      )}
    </li>
  );
}

/** The reason in one click: what was weighed, decided and sent opens beside the feed. */
function Why({ line, onOpen }: Pick<FeedRowProps, 'line' | 'onOpen'>): ReactNode {
  const { thoughtId } = line.row;
  if (thoughtId === undefined) return null;
  return (
    <button
      type="button"
      className="block min-h-6 max-w-full cursor-pointer text-left text-sm text-soft hover:underline"
      onClick={() => onOpen(thoughtId)}
    >
      {line.why === null ? words.feed.details : <Text value={line.why} max={200} />}
    </button>
  );
}

function BotName({ row }: { row: Activity }): ReactNode {
  const { botId, botName } = row;
  if (botId === null) return null;
  return (
    <Link to={`/gallery/bots/${botId}`} className="quiet-link font-medium">
      <Text value={botName ?? shortId(botId)} max={60} />
    </Link>
  );
}
