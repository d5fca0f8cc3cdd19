import { type MusterError, notFound } from '#kernel/base';
import type { StreamHead } from './head.ts';
import type { StreamKey } from './log.ts';

/* Why a stream cannot be had, one sentence for each reason. */

export const unknown = (key: StreamKey): MusterError =>
  notFound('stream_unknown', `There is no stream at ${key.path}.`, { extra: { path: key.path } });

export const expired = (key: StreamKey): MusterError =>
  notFound('stream_expired', `The stream at ${key.path} has reached the end of its lifetime.`, {
    extra: { path: key.path },
  });

export const keptForForks = (key: StreamKey): MusterError =>
  notFound('kept_for_forks', `The stream at ${key.path} was removed; its content is kept for its forks only.`, {
    status: 410,
    extra: { path: key.path },
  });

/** Of a stream whose end is decided, or due. */
export function absenceOf(head: StreamHead): MusterError {
  const kept = head.removing ? head.keeping : head.forks > 0;
  if (kept) return keptForForks(head.key);
  return head.removing && head.ending !== 'expired' ? unknown(head.key) : expired(head.key);
}
