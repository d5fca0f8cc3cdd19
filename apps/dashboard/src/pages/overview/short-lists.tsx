import type { LatestFailure, LongWait, NeedsPerson } from '@muster/protocol';
import type { ReactNode } from 'react';
import { ButtonLink } from '../../parts/button.tsx';
import { Elapsed } from '../../parts/duration.tsx';
import { shortId } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { ToneIcon } from '../../parts/tone-icon.tsx';
import { overviewWords as words } from '../../words/overview.ts';

/** What goes on only when somebody does something; absent when nothing does. */
export function Needs({ items }: { items: readonly NeedsPerson[] }): ReactNode {
  if (items.length === 0) return null;
  const tone = items.some(({ severity }) => severity === 'bad') ? 'failed' : 'warn';
  return (
    <Panel title={`${words.needsPerson} (${items.length})`} tone={tone}>
      <ul className="needs">
        {items.map(({ area, reason, severity, sentence, since, path }) => (
          <li key={`${area} ${reason} ${path}`}>
            <ToneIcon tone={severity === 'bad' ? 'failed' : 'warn'} size={16} />
            <Text value={sentence} className="needs-words" />
            {since === null ? null : <Time at={since} />}
            <ButtonLink to={path} size="s">
              {words.open}
            </ButtonLink>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function Waits({ items }: { items: readonly LongWait[] }): ReactNode {
  return (
    <Panel title={words.waits} flush>
      {items.length === 0 ? <p className="feed-none">{words.noWaits}</p> : null}
      <ul className="short-rows">
        {items.map(({ id, name, path, since, waiting }) => (
          <li key={id}>
            <Link to={path}>
              <Text value={name ?? shortId(id)} />
            </Link>
            <Elapsed since={since} />
            <Text value={waiting.detail} className="short-why" />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function Failures({ items }: { items: readonly LatestFailure[] }): ReactNode {
  return (
    <Panel title={words.failures} flush>
      {items.length === 0 ? <p className="feed-none">{words.noFailures}</p> : null}
      <ul className="short-rows">
        {items.map(({ id, name, path, at, failure }) => (
          <li key={id}>
            <Link to={path}>
              <Text value={name ?? shortId(id)} />
            </Link>
            <Time at={at} />
            <Text value={failure.detail} className="short-why" />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
