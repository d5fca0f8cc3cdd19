import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, type MusterError, must, reach, unavailable } from '#kernel/base';
import type { Reader, Tx } from '#kernel/db';
import type { Disk } from './disk.ts';
import { type FoundLog, findSegments, type Quarantine } from './found-segments.ts';
import type { Ownership } from './ownership.ts';
import * as queries from './queries.ts';
import { encodeSegmentHeader, lsnOf, segmentHeaderBytes, segmentName, segmentOf } from './segment.ts';
import type { Store } from './store.ts';
import { whatToType } from './ways-out.ts';
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
    // The process before may have ended between naming its first segment and syncing the name: what the database hears of stays.
    else await this.#parts.disk.syncDir(this.#parts.dir);
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
    if (fitOf(this.#parts.dir, this.found, await knownLogs(store.db, undefined)).kind !== 'empty') return;
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
    const { walId } = this.found;
    const fit = fitOf(this.#parts.dir, this.found, await knownLogs(tx, walId));
    if (fit.kind === 'fits') {
      if (!(await queries.raiseTerm(tx, fit.walId, term)))
        throw unavailable('log_term_behind', 'The log was taken over by a later server just now.');
      return { ...fit.cursor, term };
    }
    if (fit.kind === 'begun') {
      const { lsn } = fit.cursor;
      await queries.insertCursor(tx, fit.walId, { lsn, term, eraFloor: null, eraReason: null });
      return { ...fit.cursor, term };
    }
    if (fit.kind === 'misfit' && this.#parts.accept !== 'restored') throw fit.error;
    return this.#newLogIn(tx, term);
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

/** What the database knows of logs: of the one in question, of any, and whether it has ever held a stream. */
export type KnownLogs = {
  row: queries.CursorRow | undefined;
  logs: readonly { wal_id: string }[];
  streams: boolean;
};

export async function knownLogs(db: Reader, walId: string | undefined): Promise<KnownLogs> {
  return {
    row: walId === undefined ? undefined : await queries.cursorOf(db, walId),
    logs: await queries.allCursors(db),
    streams: (await queries.newestStream(db)).streamNo > 0,
  };
}

export type Fit =
  | { kind: 'fits' | 'begun'; walId: string; cursor: Cursor }
  /** Neither folder nor database hold anything. */
  | { kind: 'empty' }
  | { kind: 'misfit'; error: MusterError };

/** Whether a log and a database belong together. Nothing is guessed, and nothing is ever taken for empty that may not be. */
export function fitOf(dir: string, found: FoundLog, { row, logs, streams }: KnownLogs): Fit {
  const { segments, walId } = found;
  const oldest = segments[0];
  if (walId !== undefined && row && oldest && oldest.no <= segmentOf(row.lsn)) {
    const eraFloor = row.era_floor === null ? undefined : { era: row.era_floor, reason: row.era_reason ?? 'lost' };
    return { kind: 'fits', walId, cursor: { walId, lsn: row.lsn, term: row.term, eraFloor } };
  }
  const untouched = logs.length === 0 && !streams;
  if (untouched && segments.length === 0) return { kind: 'empty' };
  // A start that ended between its first file and the first row.
  const onlyJustBegun = segments.length === 1 && oldest?.header?.previous === 0;
  if (untouched && walId !== undefined && oldest && onlyJustBegun) {
    const lsn = lsnOf(oldest.no, segmentHeaderBytes);
    return { kind: 'begun', walId, cursor: { walId, lsn, term: 0, eraFloor: undefined } };
  }
  return { kind: 'misfit', error: misfit(dir, found, row, logs) };
}

function misfit(
  dir: string,
  found: FoundLog,
  row: queries.CursorRow | undefined,
  others: readonly { wal_id: string }[],
): MusterError {
  const known = others.map(({ wal_id }) => wal_id);
  const oldest = found.segments[0];
  const way = `Bring the log folder and the database of the same time together, or accept what the database holds: offsets of before then meet an explicit gap. ${whatToType}`;
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
