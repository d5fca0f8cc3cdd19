import { invalid } from '#kernel/base';
import type { StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { Head } from './log.ts';
import { streamsUnder } from './queries.ts';
import { headOf, type Store } from './store.ts';

/** Sorts behind every path that starts with what it is put after. */
const last = '\u{10ffff}';

/** A log that is flushed all the time is not read at one moment for ever. */
const triesMax = 5;

/** The order of the rows' index: bytes, not code units. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

type Wanted = { projectId: string; prefix: string; after: string; limit: number };

/**
 * Streams of a project by path. Rows lag behind; what memory knows better replaces, adds or leaves out. What is kept for
 * forks or over at `now` is not there.
 */
export async function listHeads(
  heads: Heads,
  store: Store | undefined,
  projectId: string,
  prefix: string,
  page: { limit: number; cursor?: string },
  { limitMax, now }: { limitMax: number; now: number },
): Promise<{ items: Head[]; nextCursor: string | null }> {
  if (!Number.isSafeInteger(page.limit) || page.limit < 1)
    throw invalid('limit_malformed', 'A page has at least one item.');
  const limit = Math.min(page.limit, limitMax);
  const after = page.cursor === undefined ? '' : Buffer.from(page.cursor, 'base64url').toString('utf8');
  const isThere = (head: StreamHead): boolean => !head.gone && head.deadline > now;
  const wanted = { projectId, prefix, after, limit: limit + 1 };
  const found = store ? await inRows(heads, store, wanted, isThere) : new Map<string, StreamHead>();
  for (const head of heads.visibleIn(projectId)) {
    const { path } = head.key;
    if (isThere(head) && path.startsWith(prefix) && (after === '' || byBytes(path, after) > 0)) found.set(path, head);
  }
  const sorted = [...found.values()].sort((a, b) => byBytes(a.key.path, b.key.path));
  const items = sorted.slice(0, limit);
  const lastItem = items.at(-1);
  const more = sorted.length > limit && lastItem;
  return {
    items: items.map((head) => head.show()),
    nextCursor: more ? Buffer.from(lastItem.key.path).toString('base64url') : null,
  };
}

/** The first `limit` streams that have a row and are there; rows that memory knows to be over are not counted. */
async function inRows(
  heads: Heads,
  store: Store,
  { projectId, prefix, after, limit }: Wanted,
  isThere: (head: StreamHead) => boolean,
): Promise<Map<string, StreamHead>> {
  const found = new Map<string, StreamHead>();
  for (let from = after; ; ) {
    const rows = await asOfNow(heads, () =>
      streamsUnder(store.db, { projectId, from: prefix, end: prefix + last, after: from, limit }),
    );
    for (const row of rows) {
      from = row.path;
      const head = heads.byNo(row.stream_no) ?? headOf(row, store.livesFrom);
      if (isThere(head)) found.set(row.path, head);
      if (found.size === limit) return found;
    }
    if (rows.length < limit) return found;
  }
}

/**
 * Reads rows at one moment: while they travel, a flush may write down a removal, after which memory forgets the stream and
 * only these rows would still show it.
 */
async function asOfNow<T>(heads: Heads, read: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    const asOf = heads.flushedTo;
    const rows = await read();
    if (heads.flushedTo === asOf || tries >= triesMax) return rows;
  }
}
