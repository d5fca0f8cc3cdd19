import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { asError, type Clock, MusterError, systemClock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Cursor } from './claim.ts';
import { fitOf, knownLogs } from './claim.ts';
import { checkCursor } from './cursor-check.ts';
import { type Disk, realDisk } from './disk.ts';
import { Erasures } from './erasures.ts';
import { type FoundLog, findSegments, readSegment } from './found-segments.ts';
import { FrameView, frameTypes, memoryOf } from './frame.ts';
import { Heads } from './heads.ts';
import { type LogLimits, shapeLimits } from './limits.ts';
import * as queries from './queries.ts';
import { LogInconsistent, lostPositions, Replay } from './replay.ts';
import { scanSegment } from './scan.ts';
import { batchHeaderBytes, lsnOf, segmentHeaderBytes, segmentName } from './segment.ts';
import { Store } from './store.ts';
import { describeFinding, type Finding, isLoss, Survey } from './survey.ts';

/** What recovery would make of a log and a database, as the table of its design names the cases. */
export type LogVerdict =
  /** Neither the folder nor the database hold anything yet. */
  | 'empty'
  | 'clean'
  /** An unfinished, never acknowledged write at the end is dropped. */
  | 'torn'
  /** Damage that rows make good. */
  | 'damage-flushed'
  /** The disk holds less than it acknowledged; rows have it. */
  | 'tail-behind-rows'
  /** Acknowledged bytes that no row has are gone. */
  | 'damaged'
  /** Log and database are not of the same time, or not of each other. */
  | 'misfit'
  /** Written by a newer server, or by several. */
  | 'unreadable'
  /** Frames contradict each other or the rows. */
  | 'inconsistent';

export type LogReport = {
  dir: string;
  verdict: LogVerdict;
  /** One sentence; for a misfit, which one and both ways out. */
  detail: string;
  /** Stable word of the refusal a start would meet. */
  reason: string | null;
  /** What a start needs: nothing, the acceptance of lost bytes, that of a database from another time, or another server or disk. */
  needs: 'nothing' | 'loss' | 'restored' | 'help';
  /** Names what would be accepted: whoever accepts says it again, so that nothing else is accepted by it. */
  fingerprint: string;
  walId: string | null;
  /** Postgres holds everything below; `null` when it does not know this log. */
  cursorLsn: number | null;
  tipLsn: number | null;
  unflushedBytes: number;
  segments: { no: number; bytes: number; state: 'flushed' | 'sealed' | 'open' | 'damaged' | 'no-header' }[];
  findings: (Finding & { detail: string })[];
  /** Positions that are certainly lost, the first 1000 stretches of them. */
  losses: { projectId: string; path: string; from: number; to: number }[];
  lossesOmitted: number;
  /** Beyond these any stream may have lost its last messages: nobody can tell what a damaged stretch held. */
  tailsUncertain: boolean;
  /** Frames of streams whose creation is lost with what is damaged. */
  orphanedFrames: number;
  /** What the files hold that would be put aside when the database is taken as it is. */
  setAside: { appends: number; streams: number; newestAt: string | null } | null;
  quarantined: string[];
  otherLogs: string[];
  /** Who owns the database by its rows, and whether that right has not run out yet. */
  owner: { name: string; url: string | null; live: boolean } | null;
};

export type InspectOptions = {
  dir: string;
  db: Db;
  limits?: Partial<LogLimits>;
  clock?: Clock;
  disk?: Disk;
};

const lossesMax = 1000;

/**
 * Says what recovery would find, and changes nothing. Holds the lock of the folder meanwhile: `conflict` `log_folder_in_use`
 * names the server that has it.
 */
export async function inspectLog(options: InspectOptions): Promise<LogReport> {
  const { dir, db, clock = systemClock, disk = realDisk() } = options;
  const limits = shapeLimits(options.limits);
  const names = await namesIn(disk, dir);
  if (names === undefined) return new Inspection({ dir, db, disk, limits, clock }, []).run();
  await using _ = await disk.lock(dir, `an inspection, process ${process.pid}`);
  return await new Inspection({ dir, db, disk, limits, clock }, names).run();
}

/** `undefined` when there is no such folder. */
const namesIn = (disk: Disk, dir: string): Promise<string[] | undefined> =>
  disk.list(dir).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });

type Parts = { dir: string; db: Db; disk: Disk; limits: LogLimits; clock: Clock };
type Judged = Pick<LogReport, 'verdict' | 'detail' | 'reason' | 'needs'>;

class Inspection {
  readonly #parts: Parts;
  readonly #names: readonly string[];
  readonly #report: LogReport;

  constructor(parts: Parts, names: readonly string[]) {
    this.#parts = parts;
    this.#names = names;
    this.#report = blank(parts.dir);
  }

  async run(): Promise<LogReport> {
    const { disk, dir, db } = this.#parts;
    const report = this.#report;
    if (this.#names.includes('quarantine')) report.quarantined = (await disk.list(join(dir, 'quarantine'))).sort();
    const [owner] = await queries.owners(db);
    report.owner = owner ? { name: owner.owner, url: owner.url, live: owner.live } : null;
    try {
      Object.assign(report, await this.#judge());
    } catch (error) {
      Object.assign(report, unreadable(error));
    }
    report.fingerprint = fingerprintOf(report);
    return report;
  }

  async #judge(): Promise<Judged> {
    const { disk, dir, db } = this.#parts;
    const report = this.#report;
    const found: FoundLog =
      this.#names.length === 0 ? { segments: [], walId: undefined } : await findSegments(disk, dir);
    report.walId = found.walId ?? null;
    report.segments = await this.#segments(found);
    const known = await knownLogs(db, found.walId);
    report.cursorLsn = known.row?.lsn ?? null;
    report.otherLogs = known.logs.map(({ wal_id }) => wal_id).filter((id) => id !== found.walId);
    const fit = fitOf(dir, found, known);
    if (fit.kind === 'empty') {
      const detail = 'There is no log yet; the first start makes one.';
      return { verdict: 'empty', detail, reason: null, needs: 'nothing' };
    }
    if (fit.kind !== 'misfit') return this.#survey(found, fit);
    report.setAside = await this.#setAside(found);
    return { verdict: 'misfit', detail: fit.error.message, reason: fit.error.reason, needs: 'restored' };
  }

  async #survey(found: FoundLog, { cursor }: { cursor: Cursor }): Promise<Judged> {
    const { db, limits, clock } = this.#parts;
    const report = this.#report;
    const store = new Store(db, limits);
    const heads = new Heads(limits, store);
    heads.flushed(cursor.lsn);
    const replay = new Replay(heads, new Erasures(), limits);
    const survey = await new Survey({ ...this.#parts, heads, store }, cursor, replay).run(found);
    for (const { no, scan, lossy } of survey.scanned) {
      const segment = report.segments.find((one) => one.no === no);
      if (segment) segment.state = lossy || scan.damaged ? 'damaged' : scan.sealed ? 'sealed' : 'open';
    }
    const end = survey.scanned.at(-1);
    report.tipLsn = end ? lsnOf(end.no, end.scan.tip) : null;
    report.unflushedBytes = survey.scanned.reduce(
      (sum, { no, scan }) => sum + bytesBehind(cursor.lsn, no, scan.tip),
      0,
    );
    report.findings = survey.findings.map((finding) => ({ ...finding, detail: describeFinding(finding) }));
    const wrong = await checkCursor(store, survey.newestFlushed, cursor.lsn, clock.now() - limits.tombstoneMs);
    if (wrong) throw wrong;
    const lossy = survey.findings.some(isLoss);
    if (lossy) {
      report.losses = lostPositions(replay, lossesMax);
      report.lossesOmitted = replay.losses.length - report.losses.length;
      report.tailsUncertain = true;
      report.orphanedFrames = replay.orphans;
    }
    return judge(report, survey.findings, cursor.lsn);
  }

  async #segments({ segments }: FoundLog): Promise<LogReport['segments']> {
    const { disk, dir } = this.#parts;
    const listed: LogReport['segments'] = [];
    for (const { no, header } of segments) {
      const file = await disk.open(join(dir, segmentName(no)), 'read');
      listed.push({ no, bytes: await file.size(), state: header ? 'flushed' : 'no-header' });
      await file.close();
    }
    return listed;
  }

  /** Counts what verifies in all files, of whichever log they are. */
  async #setAside({ segments }: FoundLog): Promise<NonNullable<LogReport['setAside']>> {
    const { disk, dir, limits } = this.#parts;
    const streams = new Set<number>();
    let appends = 0;
    let newest = 0;
    const memory = memoryOf(limits.segmentBytes);
    for (const { no, header } of segments) {
      if (!header) continue;
      await readSegment(disk, dir, no, memory);
      const scan = scanSegment(memory, memory.bytes.length, header.salt, header.firstBatchNo);
      const view = new FrameView(memory);
      for (const piece of scan.pieces) {
        if (piece.kind !== 'batch') continue;
        for (let at = piece.at + batchHeaderBytes; at < piece.at + piece.header.bytes; at = view.end) {
          view.look(at);
          if (view.count === 0 || (view.type !== frameTypes.append && view.type !== frameTypes.create)) continue;
          appends += 1;
          streams.add(view.streamNo);
          newest = Math.max(newest, view.ms);
        }
      }
    }
    return { appends, streams: streams.size, newestAt: newest > 0 ? new Date(newest).toISOString() : null };
  }
}

/** Bytes of a segment, up to `tip`, that Postgres does not hold. */
function bytesBehind(cursor: number, no: number, tip: number): number {
  const from = Math.max(cursor, lsnOf(no, segmentHeaderBytes));
  return Math.max(0, lsnOf(no, tip) - from);
}

function judge({ tipLsn, losses, lossesOmitted }: LogReport, findings: readonly Finding[], cursor: number): Judged {
  const bad = findings.filter(isLoss);
  if (bad.length > 0) {
    const streams = new Set(losses.map(({ projectId, path }) => `${projectId} ${path}`)).size;
    const what = bad.slice(0, 10).map(describeFinding).join('; ');
    const known =
      streams === 0
        ? 'No stream is known to miss positions in the middle'
        : `${streams}${lossesOmitted > 0 ? ' or more' : ''} streams miss positions`;
    return {
      verdict: 'damaged',
      reason: 'log_damaged',
      needs: 'loss',
      detail: `Acknowledged bytes are damaged or missing: ${what}. ${known}; any stream may have lost its last messages. Everything that verifies is kept.`,
    };
  }
  const fine = { reason: null, needs: 'nothing' } as const;
  if (tipLsn === null || tipLsn < cursor)
    return {
      ...fine,
      verdict: 'tail-behind-rows',
      detail: 'The disk holds less than it acknowledged; the rows have it, and the log goes on above them.',
    };
  if (findings.some(({ kind }) => kind === 'damaged'))
    return { ...fine, verdict: 'damage-flushed', detail: 'Some bytes are damaged; the rows have them.' };
  if (findings.some(({ kind }) => kind === 'torn'))
    return {
      ...fine,
      verdict: 'torn',
      detail: 'The last write was not finished and never acknowledged; it is dropped.',
    };
  return { ...fine, verdict: 'clean', detail: 'Everything is as it should be.' };
}

function unreadable(error: unknown): Judged {
  if (error instanceof LogInconsistent)
    return {
      verdict: 'inconsistent',
      reason: 'log_inconsistent',
      needs: 'help',
      detail: `The log contradicts itself or its rows: ${error.message}. Keep folder and database as they are and ask for help.`,
    };
  if (error instanceof MusterError && error.reason === 'log_cursor_wrong')
    return { verdict: 'inconsistent', reason: error.reason, needs: 'help', detail: error.message };
  if (error instanceof MusterError && ['log_newer', 'log_mixed'].includes(error.reason))
    return { verdict: 'unreadable', reason: error.reason, needs: 'help', detail: error.message };
  throw asError(error);
}

function fingerprintOf({ walId, cursorLsn, tipLsn, needs, findings, losses, setAside, reason }: LogReport): string {
  const said = JSON.stringify({ walId, cursorLsn, tipLsn, needs, findings, losses, setAside, reason });
  return createHash('sha256').update(said).digest('hex').slice(0, 16);
}

const blank = (dir: string): LogReport => ({
  dir,
  verdict: 'empty',
  detail: '',
  reason: null,
  needs: 'nothing',
  fingerprint: '',
  walId: null,
  cursorLsn: null,
  tipLsn: null,
  unflushedBytes: 0,
  segments: [],
  findings: [],
  losses: [],
  lossesOmitted: 0,
  tailsUncertain: false,
  orphanedFrames: 0,
  setAside: null,
  quarantined: [],
  otherLogs: [],
  owner: null,
});
