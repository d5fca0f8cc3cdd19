import { invalid } from '#kernel/base';
import type { StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { Head } from './log.ts';
import { streamsUnder } from './queries.ts';
import { headOf, type Store } from './store.ts';

/** Sorts behind every path that starts with what it is put after. */
const last = '\u{10ffff}';

/** The order of the rows' index: bytes, not code units. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Streams of a project by path. Rows lag behind; what memory knows better replaces, adds or leaves out. */
export async function listHeads(
  heads: Heads,
  store: Store | undefined,
  projectId: string,
  prefix: string,
  page: { limit: number; cursor?: string },
  limitMax: number,
): Promise<{ items: Head[]; nextCursor: string | null }> {
  if (!Number.isSafeInteger(page.limit) || page.limit < 1)
    throw invalid('limit_malformed', 'A page has at least one item.');
  const limit = Math.min(page.limit, limitMax);
  const after = page.cursor === undefined ? '' : Buffer.from(page.cursor, 'base64url').toString('utf8');
  const found = new Map<string, StreamHead>();
  if (store) {
    const rows = await streamsUnder(store.db, { projectId, from: prefix, end: prefix + last, after, limit: limit + 1 });
    for (const row of rows) {
      const known = heads.byNo(row.stream_no);
      if (!known?.removed) found.set(row.path, known ?? headOf(row));
    }
  }
  for (const head of heads.visibleIn(projectId)) {
    const { path } = head.key;
    if (path.startsWith(prefix) && (after === '' || byBytes(path, after) > 0)) found.set(path, head);
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
