import { pathMatcher } from '@muster/protocol';
import { exhausted, type MusterError } from '#kernel/base';
import type { Room } from './deps.ts';
import { subscriptionLimits } from './limits.ts';

/** The text every path of a pattern begins with. */
export function prefixOf(pattern: string): string {
  const segments = pattern.split('/');
  const plain = segments.findIndex((segment) => segment.includes('*'));
  if (plain < 0) return pattern;
  return plain === 0 ? '' : `${segments.slice(0, plain).join('/')}/`;
}

/**
 * The streams a pattern has now, by path, with their tails; at most `max`, then `exhausted` `links_max`. `a/**` has `a` itself
 * too, which its prefix does not begin.
 */
export async function matchingStreams(
  room: Pick<Room, 'log' | 'managedScope'>,
  projectId: string,
  pattern: string,
  wakeStream: string | null,
  max: number,
): Promise<Map<string, string>> {
  const matches = pathMatcher([pattern]);
  const named = !(pattern.split('/', 1)[0] ?? '').includes('*');
  const found = new Map<string, string>();
  const prefix = prefixOf(pattern).replace(/\/$/, '');
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Room['log']['list']>> = await room.log.list(projectId, prefix, {
      limit: subscriptionLimits.listPageMax,
      ...(cursor === null ? {} : { cursor }),
    });
    for (const { key, tail } of page.items) {
      const managed = room.managedScope(key.path.split('/', 1)[0] ?? '') !== undefined;
      if (!matches(key.path) || key.path === wakeStream || (managed && !named)) continue;
      if (found.size >= max) throw tooMany(max);
      found.set(key.path, tail);
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}

const tooMany = (max: number): MusterError =>
  exhausted(
    'links_max',
    `More than ${max} streams match; a subscription links at most so many. Take a narrower pattern.`,
  );
