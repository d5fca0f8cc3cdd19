import type { FeedEntry, FeedTone } from '@muster/protocol/running';
import type { Tone } from '@muster/protocol/tones';
import { memo, type ReactNode } from 'react';
import { count } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { ToneIcon } from '../../parts/tone-icon.tsx';
import { overviewWords as words } from '../../words/overview.ts';
import { type FeedRow, feedRows } from './feed.ts';

const tones: Readonly<Record<FeedTone, Tone>> = { neutral: 'off', good: 'done', bad: 'failed', warning: 'warn' };

/** One line for each thing that happened: when, how it went, what, and the way to it. */
export function FeedList({ entries }: { entries: readonly FeedEntry[] }): ReactNode {
  if (entries.length === 0) return <p className="feed-none">{words.feedEmpty}</p>;
  return (
    <ol className="feed">
      {feedRows(entries).map((row) => (
        <Row key={row.key} row={row} />
      ))}
    </ol>
  );
}

const Row = memo(({ row }: { row: FeedRow }): ReactNode => {
  if (row.kind === 'more') {
    return (
      <li>
        <Time at={row.at} show="clock" className="feed-at" />
        <span className="feed-words">{words.collapsed(count(row.count), words.areas[row.area])}</span>
      </li>
    );
  }
  const { at, tone, text, subject } = row.entry;
  return (
    <li>
      <Time at={at} show="clock" className="feed-at" />
      <ToneIcon tone={tones[tone]} size={14} className="feed-icon" />
      {subject === null ? (
        <Text value={text} className="feed-words" />
      ) : (
        <Link to={subject.path} className="quiet-link feed-words">
          <Text value={text} />
        </Link>
      )}
    </li>
  );
});
