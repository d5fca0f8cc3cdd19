import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, must, reach, unavailable } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Disk } from './disk.ts';
import { type FoundLog, findSegments, type Quarantine } from './found-segments.ts';
import type { Ownership } from './ownership.ts';
import * as queries from './queries.ts';
import { encodeSegmentHeader, lsnOf, segmentHeaderBytes, segmentName, segmentOf } from './segment.ts';
import type { Store } from './store.ts';
import type { EraFloor } from './writer.ts';

/** What an operator may accept when log and database do not fit or acknowledged bytes are gone. */
export type Accept = 'loss' | 'restored';

/** How far the rows hold this log, and the term under which it is owned from now on. */
export type Cursor = { walId: string; lsn: number; term: number; eraFloor: EraFloor | undefined };

type Parts = {
  disk: Disk;
  dir: string;
  clock: Clock;
  store: Store;
  ownership: Ownership;
  quarantine: Quarantine;
  accept: Accept | undefined;
};

/**
 * Who owns this log, and does it belong to this database? Settles both in one transaction, before a segment is read. A
 * log and a database of different times are refused by name, with both ways out; nothing is ever taken for "empty".
 */
export class Claim {
  found: FoundLog;
  /** Set when an operator accepted the database as the truth: every stream begins a new era. */
  newEraFloor: EraFloor | undefined;
  readonly #parts: Parts;

  constructor(found: FoundLog, parts: Parts) {
    this.found = found;
    this.#parts = parts;
  }

  /** Takes ownership and answers where the rows stand; afterwards `found` are the segments to be read. */
  async take(): Promise<Cursor> {
    const { ownership } = this.#parts;
    let cursor: Cursor | undefined;
    if (this.found.segments.length === 0) await this.#firstStart();
    const { walId } = this.found;
    await ownership.take(async (tx, term) => {
      cursor = await this.#cursorIn(tx, term);
    });
    void reach('log.recovery.owned');
    const taken = must(cursor, 'the cursor');
    if (taken.walId !== walId) await this.#startAnew(taken);
    return taken;
  }

  /** An empty folder gets its first segment before the database hears of it, so that a crash between leaves no riddle. */
  async #firstStart(): Promise<void> {
    const { store } = this.#parts;
    const known = (await queries.allCursors(store.db)).length > 0 || (await queries.highestStreamNo(store.db)) > 0;
    if (known) return;
    await this.#makeFirst(randomUUID(), 1);
    this.found = await findSegments(this.#parts.disk, this.#parts.dir);
  }

  async #makeFirst(walId: string, no: number): Promise<void> {
    const { disk, dir } = this.#parts;
    const header = { walId, no, previous: 0, previousEnd: 0, firstBatchNo: 1, salt: randomBytes(8) };
    const path = join(dir, segmentName(no));
    await disk.remove(`${path}.new`).catch(() => undefined);
    const file = await disk.open(`${path}.new`, 'create', { synced: true });
    const bytes = encodeSegmentHeader(header);
    await file.write(bytes, 0, bytes.length, 0);
    await file.close();
    await disk.rename(`${path}.new`, path);
    await disk.syncDir(dir);
  }

  /** Finds, or for a new log inserts, the cursor of this log, and raises its term. */
  async #cursorIn(tx: Tx, term: number): Promise<Cursor> {
    const { segments, walId } = this.found;
    const row = walId === undefined ? undefined : await queries.cursorOf(tx, walId);
    const oldest = segments[0];
    if (walId !== undefined && row && oldest && oldest.no <= segmentOf(row.lsn)) {
      if (!(await queries.raiseTerm(tx, walId, term)))
        throw unavailable('log_term_behind', 'The log was taken over by a later server just now.');
      const eraFloor = row.era_floor === null ? undefined : { era: row.era_floor, reason: row.era_reason ?? 'lost' };
      return { walId, lsn: row.lsn, term, eraFloor };
    }
    const others = await queries.allCursors(tx);
    if (
      walId !== undefined &&
      !row &&
      others.length === 0 &&
      this.#onlyJustBegun() &&
      (await queries.highestStreamNo(tx)) === 0
    ) {
      const lsn = lsnOf(must(oldest, 'the first segment').no, segmentHeaderBytes);
      await queries.insertCursor(tx, walId, { lsn, term, eraFloor: null, eraReason: null });
      return { walId, lsn, term, eraFloor: undefined };
    }
    if (this.#parts.accept !== 'restored') throw misfit(this.#parts.dir, this.found, row, others);
    return this.#newLogIn(tx, term);
  }

  #onlyJustBegun(): boolean {
    const first = this.found.segments[0];
    return this.found.segments.length === 1 && first?.header?.previous === 0;
  }

  /** The operator said that the database is the truth: a new log begins above everything any earlier one held. */
  async #newLogIn(tx: Tx, term: number): Promise<Cursor> {
    const walId = randomUUID();
    const highest = Math.max(segmentOf(await queries.highestLsn(tx)), ...this.found.segments.map(({ no }) => no));
    const eraFloor: EraFloor = { era: this.#parts.clock.now(), reason: 'restored' };
    const lsn = lsnOf(highest + 1, segmentHeaderBytes);
    await queries.dropOtherCursors(tx, walId);
    await queries.insertCursor(tx, walId, { lsn, term, eraFloor: eraFloor.era, eraReason: eraFloor.reason });
    this.newEraFloor = eraFloor;
    return { walId, lsn, term, eraFloor };
  }

  async #startAnew(cursor: Cursor): Promise<void> {
    for (const { no } of this.found.segments) await this.#parts.quarantine.moveOut(no);
    await this.#makeFirst(cursor.walId, segmentOf(cursor.lsn));
    this.found = await findSegments(this.#parts.disk, this.#parts.dir);
  }
}

function misfit(
  dir: string,
  found: FoundLog,
  row: queries.CursorRow | undefined,
  others: readonly { wal_id: string }[],
): Error {
  const known = others.map(({ wal_id }) => wal_id);
  const oldest = found.segments[0];
  const way =
    'Bring the log folder and the database of the same time together, or accept what the database holds (restored): offsets of before then meet an explicit gap.';
  if (oldest && row) {
    return unavailable(
      'log_oldest_beyond_cursor',
      `The database has this log up to lsn ${row.lsn}, but the oldest segment in ${dir} is ${oldest.no}: the database is older than the log. ${way}`,
      {
        extra: { cursor: row.lsn, oldestSegment: oldest.no },
      },
    );
  }
  if (found.walId === undefined) {
    return unavailable(
      'log_missing',
      `There is no log in ${dir}, but the database was written by ${known.length > 0 ? `log ${known.join(', ')}` : 'one'}: a wrong or empty volume. ${way}`,
      {
        extra: { expected: known },
      },
    );
  }
  if (known.length === 0) {
    return unavailable(
      'log_cursor_missing',
      `The database knows nothing of the log ${found.walId} in ${dir}: its cursor is lost, or this is another database. ${way}`,
      {
        extra: { walId: found.walId },
      },
    );
  }
  return unavailable(
    'log_other',
    `The log ${found.walId} in ${dir} is not the one of this database (${known.join(', ')}): a wrong or restored volume or database. ${way}`,
    {
      extra: { walId: found.walId, expected: known },
    },
  );
}
