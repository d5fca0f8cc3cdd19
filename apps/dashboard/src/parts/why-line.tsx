import type { Failure } from '@muster/protocol';
import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Badge } from './badge.tsx';
import { Countdown, Elapsed } from './duration.tsx';
import { count, duration } from './format.ts';
import { Text } from './text.tsx';
import { Time } from './time.tsx';
import { ToneIcon } from './tone-icon.tsx';

export type WhyLineProps = {
  tone: Tone;
  /** The sentence that says why (D3). */
  reason: string;
  who?: 'user' | 'host' | 'system' | undefined;
  /** What to do next. */
  remedy?: string | undefined;
  docsUrl?: string | undefined;
  since?: string | number | null | undefined;
  position?: number | null | undefined;
  etaMs?: number | null | undefined;
  resumesAt?: string | number | null | undefined;
  /** The reason's stable name. */
  code?: string | undefined;
  children?: ReactNode;
};

/** Why something waits or failed, who caused it, and what to do. */
export function WhyLine(props: WhyLineProps): ReactNode {
  const { tone, reason, who, remedy, docsUrl, since, position, etaMs, resumesAt, code, children } = props;
  return (
    <div className={`why tone-${tone}`}>
      <ToneIcon tone={tone} size={16} className="why-icon" />
      <div className="why-text">
        <p>
          <span className="visually-hidden">{words.why.why} </span>
          <Text value={reason} max={1_000} className="font-medium" />{' '}
          {who ? <Badge hint={words.why.whoHint[who]}>{words.why.who[who]}</Badge> : null}
        </p>
        {remedy === undefined && docsUrl === undefined ? null : (
          <p>
            {remedy === undefined ? null : <Text value={remedy} max={1_000} />}{' '}
            {docsUrl === undefined ? null : (
              <a href={docsUrl} target="_blank" rel="noopener noreferrer">
                {words.why.docs}
              </a>
            )}
          </p>
        )}
        <p className="why-facts">
          {code === undefined ? null : <Text value={code} mono />}
          {position === undefined || position === null ? null : <span>{words.why.position(count(position))}</span>}
          {etaMs === undefined || etaMs === null ? null : <span>{words.why.eta(duration(etaMs))}</span>}
          {resumesAt === undefined || resumesAt === null ? null : (
            <span>
              {words.why.resumes} <Countdown until={resumesAt} /> (<Time at={resumesAt} show="clock" />)
            </span>
          )}
          {since === undefined || since === null ? null : (
            <span>
              {words.why.since} <Elapsed since={since} />
            </span>
          )}
        </p>
        {children}
      </div>
    </div>
  );
}

type WaitingLike = {
  reason?: string | undefined;
  detail: string;
  since?: string | undefined;
  position?: number | null | undefined;
  etaMs?: number | null | undefined;
  resumesAt?: string | null | undefined;
  attribution?: Failure['attribution'] | undefined;
  remedy?: string | null | undefined;
  docsUrl?: string | undefined;
};

export function WaitingWhy({ waiting, children }: { waiting: WaitingLike; children?: ReactNode }): ReactNode {
  const { reason, detail, attribution, remedy, ...rest } = waiting;
  return (
    <WhyLine tone="waiting" reason={detail} code={reason} who={attribution} remedy={remedy ?? undefined} {...rest}>
      {children}
    </WhyLine>
  );
}

type FailureLike = {
  code?: string | undefined;
  detail: string;
  attribution?: Failure['attribution'] | undefined;
  remedy?: string | null | undefined;
  docsUrl?: string | undefined;
  lastLines?: readonly string[] | undefined;
};

export function FailureWhy({ failure, children }: { failure: FailureLike; children?: ReactNode }): ReactNode {
  const { code, detail, attribution, remedy, docsUrl, lastLines = [] } = failure;
  return (
    <WhyLine tone="failed" reason={detail} who={attribution} remedy={remedy ?? undefined} {...{ code, docsUrl }}>
      {lastLines.length === 0 ? null : (
        <pre className="why-lines">
          <Text value={lastLines.join('\n')} max={4_000} lines />
        </pre>
      )}
      {children}
    </WhyLine>
  );
}
