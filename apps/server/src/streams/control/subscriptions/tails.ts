import { MusterError } from '#kernel/base';
import type { Log, StreamKey } from '#kernel/log';
import { subscriptionLimits } from './limits.ts';

/** The tail of a stream as anybody may read it now; `undefined` when there is none, or it is kept for its forks only. */
export async function tailOf(log: Log, key: StreamKey): Promise<string | undefined> {
  try {
    return (await log.head(key))?.tail;
  } catch (error) {
    if (error instanceof MusterError && error.code === 'notFound') return undefined;
    throw error;
  }
}

/** Tails of many streams of a project, by path. Streams that are not there are left out. */
export async function tailsOf(log: Log, projectId: string, paths: readonly string[]): Promise<Map<string, string>> {
  const tails = new Map<string, string>();
  for (let at = 0; at < paths.length; at += subscriptionLimits.headsAtOnce) {
    const some = paths.slice(at, at + subscriptionLimits.headsAtOnce);
    const found = await Promise.all(some.map((path) => tailOf(log, { projectId, path })));
    for (const [i, path] of some.entries()) {
      const tail = found[i];
      if (tail !== undefined) tails.set(path, tail);
    }
  }
  return tails;
}

const eraOf = (offset: string): string => offset.slice(0, 16);

/**
 * Whether an offset is one of this stream, whose tail is given. Those of the tail's own era are, as far as they go; others are
 * looked up: inherited ones, and those from before a loss.
 */
export async function isOffsetOf(log: Log, key: StreamKey, offset: string, tail: string): Promise<boolean> {
  if (eraOf(offset) === eraOf(tail)) return offset <= tail;
  try {
    await log.read(key, offset, { bytes: 1, messages: 1 });
    return true;
  } catch (error) {
    if (!(error instanceof MusterError) || (error.code !== 'notFound' && error.code !== 'invalid')) throw error;
    return error.reason === 'offset_trimmed';
  }
}
