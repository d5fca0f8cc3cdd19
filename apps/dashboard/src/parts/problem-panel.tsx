import { RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy-button.tsx';
import { duration, isoOf } from './format.ts';
import { cutTo } from './plain.ts';
import { Text } from './text.tsx';
import { Time, useNow } from './time.tsx';
import { ToneIcon } from './tone-icon.tsx';

/** What a failed call says of itself (RFC 9457), or what stands in for it when there was no answer. */
export type ProblemLike = {
  title: string;
  detail: string;
  code?: string | undefined;
  reason?: string | undefined;
  status?: number | undefined;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
  docsUrl?: string | undefined;
  errors?: readonly { pointer: string; detail: string }[] | undefined;
};

export type ProblemPanelProps = {
  problem: ProblemLike;
  onRetry?: (() => void) | undefined;
  busy?: boolean | undefined;
  /** When what is still shown was read; its age is told. */
  lastGoodAt?: number | undefined;
};

/** A failed request, beside the last good data (D9): what, why, its id, and another try. */
export function ProblemPanel({ problem, onRetry, busy = false, lastGoodAt }: ProblemPanelProps): ReactNode {
  const { title, detail, reason, requestId, retryAfterMs, docsUrl, errors = [] } = problem;
  const now = useNow(60_000);
  return (
    <div className="problem tone-failed" role="alert">
      <ToneIcon tone="failed" size={16} />
      <div className="problem-text">
        <p className="font-medium">
          <Text value={title} />
        </p>
        {detail === '' || detail === title ? null : (
          <p>
            <Text value={detail} max={1_000} />
          </p>
        )}
        {errors.length === 0 ? null : (
          <ul className="problem-errors">
            {errors.slice(0, 20).map((error) => (
              <li key={`${error.pointer} ${error.detail}`}>
                <Text value={error.pointer} mono max={80} /> <Text value={error.detail} />
              </li>
            ))}
          </ul>
        )}
        <p className="problem-facts">
          {lastGoodAt === undefined ? null : (
            <span>
              {words.problem.lastGood} <Time at={lastGoodAt} />
            </span>
          )}
          {retryAfterMs === undefined ? null : <span>{words.problem.retryAfter(duration(retryAfterMs))}</span>}
          {reason === undefined ? null : <Text value={reason} mono />}
          {requestId === undefined ? null : (
            <span className="mono">
              <Text value={requestId} />
            </span>
          )}
          {docsUrl === undefined ? null : (
            <a href={docsUrl} target="_blank" rel="noopener noreferrer">
              {words.problem.docs}
            </a>
          )}
        </p>
      </div>
      <div className="problem-actions">
        <CopyButton text={reportOf(problem, now)} label={words.problem.copyReport} />
        {onRetry ? (
          <Button size="s" icon={<RotateCw aria-hidden />} busy={busy} onClick={onRetry}>
            {words.problem.retry}
          </Button>
        ) : null}
      </div>
    </div>
  );
}

/** What a person pastes into a report: no data of the page, only the failure and where it happened. */
function reportOf(problem: ProblemLike, now: number): string {
  const where = typeof location === 'undefined' ? '' : location.pathname;
  const lines = [
    problem.title,
    problem.detail,
    `code ${problem.code ?? '-'} · reason ${problem.reason ?? '-'} · status ${problem.status ?? '-'}`,
    `request ${problem.requestId ?? '-'} · ${isoOf(now)} · ${where}`,
    ...(problem.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`),
  ];
  return cutTo(lines.join('\n'), 10_000, true).text;
}
