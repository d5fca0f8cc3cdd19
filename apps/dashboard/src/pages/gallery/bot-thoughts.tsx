import type { GalleryAction, GalleryDecision } from '@muster/protocol';
import { type ReactNode, useState } from 'react';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { count } from '../../parts/format.ts';
import { Money } from '../../parts/money.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import type { BotTab } from './bot-life.tsx';
import { useActions, useDecisions } from './data.ts';
import { Listed } from './listed.tsx';
import { BlobPicture } from './picture.tsx';
import { PostLink } from './sandbox-link.tsx';
import { ThoughtBody } from './thought-body.tsx';
import { ThoughtDrawer } from './thought-drawer.tsx';

const words = botsWords.bot;

/** Every decision that is kept: what it could do, what it chose, why, by which mind, for how much. */
export function BotThoughts({ bot, inSandbox }: BotTab): ReactNode {
  const pages = useDecisions(bot.id);
  return (
    <Listed pages={pages} empty={<EmptyState title={words.thoughts.empty} detail={words.thoughts.emptyDetail} />}>
      <ul className="m-0 list-none rounded-md border border-hair p-0">
        {pages.rows.map((decision) => (
          <Thought key={decision.thoughtId} decision={decision} inSandbox={inSandbox} />
        ))}
      </ul>
    </Listed>
  );
}

function Thought({ decision, inSandbox }: { decision: GalleryDecision; inSandbox: boolean }): ReactNode {
  const [open, setOpen] = useState(false);
  const { kind, why, at, mind, tokensIn, tokensOut, costMicros, result, reason } = decision;
  const good = result === 'acted';
  const said = galleryWords.thought.results[result] ?? result;
  return (
    <li className="border-b border-hair px-4 py-3 last:border-b-0" data-thought={decision.thoughtId}>
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <span className="font-medium">{kind}</span>
        <Badge tone={good ? 'done' : result === 'failed' ? 'failed' : 'off'}>
          {reason === null ? said : `${said}: ${galleryWords.reasonOf(reason)}`}
        </Badge>
        <span className="text-sm text-soft">
          <Text value={mind} max={60} />
        </span>
        {tokensIn + tokensOut > 0 ? (
          <span className="num text-sm text-soft">{words.thoughts.tokens(count(tokensIn), count(tokensOut))}</span>
        ) : null}
        <span className="text-sm text-soft">
          <Money micros={costMicros} />
        </span>
        <Time at={at} className="ml-auto text-sm text-soft" />
      </div>
      <p className="m-0 [overflow-wrap:anywhere]">
        <Text value={why} max={400} />
      </p>
      <Button size="s" variant="quiet" className="-ml-2" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? words.thoughts.close : words.thoughts.open}
      </Button>
      {open ? (
        <div className="pt-3">
          <ThoughtBody decision={decision} inSandbox={inSandbox} />
        </div>
      ) : null}
    </li>
  );
}

/** What it showed, as tiles. */
export function BotPosts({ bot, inSandbox, thought, onThought }: BotTab): ReactNode {
  const pages = useActions(bot.id);
  const posts = pages.rows.filter(({ kind }) => kind === 'post');
  return (
    <Listed pages={{ ...pages, rows: posts }} empty={<EmptyState title={words.posts_.empty} />}>
      <ul className="m-0 grid list-none grid-cols-[repeat(auto-fill,minmax(10rem,1fr))] gap-4 p-0">
        {posts.map((post) => (
          <Tile key={post.thoughtId} post={post} inSandbox={inSandbox} onOpen={() => onThought(post.thoughtId)} />
        ))}
      </ul>
      <ThoughtDrawer id={thought} onClose={() => onThought()} />
    </Listed>
  );
}

function Tile({ post, inSandbox, onOpen }: { post: GalleryAction; inSandbox: boolean; onOpen: () => void }): ReactNode {
  const { imageBlob, content, remoteId, state, openedAt } = post;
  return (
    <li className="flex min-w-0 flex-col gap-1">
      <button type="button" className="block w-full cursor-pointer" onClick={onOpen}>
        {imageBlob === null ? null : <BlobPicture blob={imageBlob} alt={content} className="aspect-square w-full" />}
        <span className="visually-hidden">{galleryWords.feed.details}</span>
      </button>
      <p className="m-0 line-clamp-3 text-sm [overflow-wrap:anywhere]">
        <Text value={content} max={200} />
      </p>
      <div className="flex flex-wrap items-center gap-x-2 text-sm text-soft">
        <Time at={openedAt} />
        {state === 'done' ? null : <Badge tone={state === 'failed' ? 'failed' : 'off'}>{words.posts_.failed}</Badge>}
        {inSandbox && remoteId !== null && state === 'done' ? <PostLink itemId={remoteId} /> : null}
      </div>
    </li>
  );
}
