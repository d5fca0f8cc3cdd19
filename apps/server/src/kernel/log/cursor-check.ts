import { type MusterError, unavailable } from '#kernel/base';
import { unheldMessages } from './queries.ts';
import type { Store } from './store.ts';
import { whatToType } from './ways-out.ts';

/** An append that the files still hold although rows should have it. */
export type FlushedAppend = { streamNo: number; seq: number; ms: number };

/**
 * Whether rows really have what the cursor says they have, by the newest of it. A cursor that stands too far forward would
 * let everything between be taken for flushed, and so be lost. `removedBefore`: of streams that were removed earlier even
 * the tombstones are gone.
 */
export async function checkCursor(
  store: Store,
  newest: readonly FlushedAppend[],
  cursor: number,
  removedBefore: number,
): Promise<MusterError | undefined> {
  const wanted = newest.filter(({ ms }) => ms >= removedBefore);
  const missing = await unheldMessages(
    store.db,
    wanted.map(({ streamNo }) => streamNo),
    wanted.map(({ seq }) => seq),
  );
  if (!missing) return undefined;
  return unavailable(
    'log_cursor_wrong',
    `The database says that it holds this log up to lsn ${cursor}, but it lacks position ${missing.seq} of stream ${missing.stream_no}, which stands before that: its mark is wrong. Nothing was changed. ${whatToType}`,
    { extra: { cursor, streamNo: missing.stream_no, seq: missing.seq } },
  );
}
