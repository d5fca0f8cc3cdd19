import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, must, reach, unavailable } from '#kernel/base';
import { type Accept, Claim, type Cursor } from './claim.ts';
import { erasures } from './content-queries.ts';
import { checkCursor } from './cursor-check.ts';
import type { Disk, DiskFile } from './disk.ts';
import { encodeSeal, type HeldSegment, heldSegment, type ResumeAt } from './disk-journal.ts';
import type { Erasures } from './erasures.ts';
import type { LogEvents } from './events.ts';
import { type FoundLog, findSegments, Quarantine } from './found-segments.ts';
import type { Memory } from './frame.ts';
import type { FrameIndex } from './frame-index.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { Ownership } from './ownership.ts';
import * as queries from './queries.ts';
import { LogInconsistent, lostPositions, Replay } from './replay.ts';
import { putHoleBatch, rewriteSegment } from './rewrite.ts';
import { lsnOf, positionOf, sealBytes, segmentHeaderBytes, segmentName, segmentOf } from './segment.ts';
import { SideFile } from './side-file.ts';
import type { Spares } from './spares.ts';
import type { Store } from './store.ts';
import { describeFinding, type HeaderOf, isLoss, type ScannedSegment, Survey } from './survey.ts';
import { whatToType } from './ways-out.ts';
import type { EraFloor } from './writer.ts';

export type Recovered = {
  resume: ResumeAt;
  cursor: number;
  replay: Replay;
  eraFloor: EraFloor | undefined;
  /** Decided just now: it must be written into the log. */
  newEraFloor: EraFloor | undefined;
  nextStreamNo: number;
  /** The greatest one given out. */
  lastEra: number;
};

/** After a loss also stream numbers may have been given out that nobody knows any more. */
const streamNoJump = 2 ** 20;

type Parts = {
  disk: Disk;
  dir: string;
  clock: Clock;
  limits: LogLimits;
  events: LogEvents;
  spares: Spares;
  index: FrameIndex;
  heads: Heads;
  erasures: Erasures;
  store: Store;
  ownership: Ownership;
  accept: Accept | undefined;
};

/**
 * Brings the log to where it can be trusted, before anyone is answered: take ownership, replay every batch behind the
 * cursor, find the end, and put the last segment down again under a new salt, because recovery trusts no page that this
 * process did not sync itself. Touches nothing before every segment has been read; running it again gives the same.
 */
export class Recovery {
  readonly #parts: Parts;
  readonly quarantine: Quarantine;
  #found: FoundLog = { segments: [], walId: undefined };
  #newEraFloor: EraFloor | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.quarantine = new Quarantine(parts.disk, parts.dir, parts.events);
  }

  async run(): Promise<Recovered> {
    const { clock, events, store } = this.#parts;
    const began = clock.monotonic();
    await this.quarantine.open();
    const found = await findSegments(this.#parts.disk, this.#parts.dir);
    const claim = new Claim(found, { ...this.#parts, quarantine: this.quarantine });
    const cursor = await claim.take();
    this.#found = claim.found;
    this.#newEraFloor = claim.newEraFloor;
    this.#parts.heads.flushed(cursor.lsn);
    // As of the cursor; what is replayed comes on top.
    for (const { project_id, streams } of await queries.streamCounts(store.db))
      this.#parts.heads.counts.add(project_id, streams);
    for (const { stream_no, seq, instead, erased_lsn } of await erasures(store.db))
      this.#parts.erasures.add(stream_no, [seq], [instead], erased_lsn);
    const replay = new Replay(this.#parts.heads, this.#parts.erasures, this.#parts.limits);
    const survey = await this.#survey(cursor, replay);
    const { scanned } = survey;
    await this.#settle(survey, replay);
    void reach('log.recovery.read');
    await this.#parts.spares.find();
    const resume = await this.#resume(cursor, scanned);
    void reach('log.recovery.rewritten');
    if (replay.losses.length > 0 || replay.unsettled) this.#newEraFloor ??= { era: clock.now(), reason: 'lost' };
    const newest = await queries.newestStream(store.db);
    events.recovered({
      frames: replay.frames,
      segments: this.#found.segments.length,
      tornBytes: scanned.reduce((sum, { scan }) => sum + scan.tornBytes, 0),
      tookMs: clock.monotonic() - began,
    });
    return {
      resume,
      cursor: cursor.lsn,
      replay,
      eraFloor: this.#newEraFloor ?? replay.eraFloor ?? cursor.eraFloor,
      newEraFloor: this.#newEraFloor,
      lastEra: Math.max(newest.era, replay.highestEra),
      nextStreamNo: Math.max(newest.streamNo, replay.highestStreamNo) + 1 + (this.#newEraFloor ? streamNoJump : 0),
    };
  }

  /* What is to be said and done about what was found? */

  async #survey(cursor: Cursor, replay: Replay): Promise<Survey> {
    try {
      const survey = await new Survey(this.#parts, cursor, replay).run(this.#found);
      const { store, clock, limits } = this.#parts;
      const wrong = await checkCursor(store, survey.newestFlushed, cursor.lsn, clock.now() - limits.tombstoneMs);
      if (wrong) throw wrong;
      return survey;
    } catch (error) {
      if (!(error instanceof LogInconsistent)) throw error;
      const detail = `The log contradicts itself or its rows: ${error.message}. Nothing was changed.`;
      throw unavailable('log_inconsistent', `${detail} ${whatToType}`, { cause: error });
    }
  }

  async #settle({ findings, scanned }: Survey, replay: Replay): Promise<void> {
    const { events } = this.#parts;
    for (const { no, scan, lossy } of scanned) {
      if (scan.damaged || lossy) await this.quarantine.keep(no, 'damaged');
      else if (scan.tornBytes > 0) await this.quarantine.keep(no, 'torn');
    }
    for (const finding of findings) {
      if (finding.kind !== 'damaged' || !finding.flushed) continue;
      const detail = `${describeFinding(finding)}: the rows have it`;
      events.damage({ reason: 'log_damage_flushed', detail, quarantined: this.quarantine.count });
    }
    const losses = findings.filter(isLoss);
    if (losses.length > 0) this.#judge(losses.map(describeFinding), replay);
  }

  #judge(damage: readonly string[], replay: Replay): void {
    const detail = `Acknowledged bytes of the log are damaged or missing: ${damage.slice(0, 10).join('; ')}.`;
    this.#parts.events.damage({ reason: 'log_damaged', detail, quarantined: this.quarantine.count });
    if (this.#parts.accept === undefined) {
      throw unavailable('log_damaged', `${detail} Put back the disk as it was, or accept the loss. ${whatToType}`, {
        extra: { damage, gaps: lostPositions(replay, 100), orphanedFrames: replay.orphans },
      });
    }
    this.#newEraFloor = { era: this.#parts.clock.now(), reason: 'lost' };
  }

  /* Where does it go on? */

  async #resume(cursor: Cursor, scanned: readonly ScannedSegment[]): Promise<ResumeAt> {
    const held = await this.#olderSegments(scanned);
    const { term, walId } = cursor;
    let previous = held.at(-1);
    let resume: ResumeAt | undefined;
    for (const segment of scanned) {
      const { no, scan, last } = segment;
      let end = scan.tip;
      let file: DiskFile | undefined;
      let header = segment.header;
      if (segment.memory) {
        const at = await this.#putDown(segment as WithMemory, cursor, previous);
        ({ end, file, header } = at);
      }
      const entry = heldSegment(header, lsnOf(no, end));
      if (scan.sealed || !last) entry.sealedAt = this.#parts.clock.now();
      held.push(entry);
      previous = entry;
      await this.#indexSegment(entry, segment, last && !scan.sealed);
      if (!last) {
        await file?.close();
      } else if (scan.sealed) {
        await file?.close();
        resume = this.#behind(entry, scan.lastBatchNo, term, walId, held);
      } else {
        const nextBatchNo = scan.lastBatchNo + 1;
        resume = { walId, term, file, plan: header, position: end, nextBatchNo, segments: held };
      }
    }
    // The last segment has no header: nothing of it could be kept, the log goes on behind it.
    if (!resume) {
      for (const { no, header } of this.#found.segments) if (!header) await this.quarantine.moveOut(no);
      const entry = must(held.at(-1), 'a readable segment');
      entry.sealedAt ??= this.#parts.clock.now();
      resume = this.#behind(entry, scanned.at(-1)?.scan.lastBatchNo ?? 0, term, walId, held);
    }
    return segmentOf(cursor.lsn) > resume.plan.no ? this.#leapTo(cursor, resume) : resume;
  }

  #behind(entry: HeldSegment, lastBatchNo: number, term: number, walId: string, segments: HeldSegment[]): ResumeAt {
    const highest = Math.max(entry.no, ...this.#found.segments.map(({ no }) => no));
    const plan = {
      no: highest + 1,
      previous: entry.no,
      previousEnd: positionOf(entry.end),
      firstBatchNo: lastBatchNo + 1,
      salt: randomBytes(8),
    };
    return {
      walId,
      term,
      file: undefined,
      plan,
      position: segmentHeaderBytes,
      nextBatchNo: plan.firstBatchNo,
      segments,
    };
  }

  /** The rows know segments that this disk does not have any more: go on above them. */
  async #leapTo(cursor: Cursor, resume: ResumeAt): Promise<ResumeAt> {
    this.#tailBehindRows(cursor);
    const last = must(resume.segments.at(-1), 'a segment');
    if (resume.file) {
      const seal = { position: resume.position, batchNo: resume.nextBatchNo };
      await resume.file.write(
        encodeSeal(last.salt, seal, last.firstBatchNo, cursor.term, this.#parts.clock.now()).bytes,
        0,
        sealBytes,
        seal.position,
      );
      await resume.file.close();
      last.end = lsnOf(last.no, seal.position + sealBytes);
      last.sealedAt = this.#parts.clock.now();
    }
    const firstBatchNo = resume.nextBatchNo + 1;
    const plan = {
      no: segmentOf(cursor.lsn) + 1,
      previous: last.no,
      previousEnd: positionOf(last.end),
      firstBatchNo,
      salt: randomBytes(8),
    };
    return { ...resume, file: undefined, plan, position: segmentHeaderBytes, nextBatchNo: firstBatchNo };
  }

  #tailBehindRows(cursor: Cursor): void {
    this.#parts.events.damage({
      reason: 'log_tail_behind_rows',
      detail: `the disk holds less than it acknowledged; the rows have everything up to lsn ${cursor.lsn}`,
      quarantined: this.quarantine.count,
    });
  }

  /** Writes a scanned segment anew and puts it in the place of the old file. */
  async #putDown(
    segment: WithMemory,
    cursor: Cursor,
    previous: HeldSegment | undefined,
  ): Promise<{ end: number; file: DiskFile; header: HeaderOf }> {
    const { disk, dir, spares } = this.#parts;
    const { memory, scan, no, last } = segment;
    const header: HeaderOf = {
      ...segment.header,
      salt: randomBytes(8),
      ...(previous ? { previous: previous.no, previousEnd: positionOf(previous.end) } : {}),
    };
    let end = rewriteSegment(memory, scan, header);
    if (last && !scan.sealed && segmentOf(cursor.lsn) === no && lsnOf(no, end) < cursor.lsn) {
      this.#tailBehindRows(cursor);
      scan.lastBatchNo += 1;
      const to = positionOf(cursor.lsn);
      putHoleBatch(
        memory,
        end,
        to,
        { batchNo: scan.lastBatchNo, term: cursor.term, wallMs: this.#parts.clock.now() },
        header.salt,
      );
      end = to;
    }
    if (!last && !scan.sealed) {
      const seal = { position: end, batchNo: scan.lastBatchNo + 1 };
      memory.bytes.set(
        encodeSeal(header.salt, seal, header.firstBatchNo, cursor.term, this.#parts.clock.now()).bytes,
        end,
      );
      end += sealBytes;
    }
    const path = join(dir, segmentName(no));
    const spare = spares.takeForRecovery();
    const from = spare ?? `${path}.new`;
    if (!spare) await disk.remove(from).catch(() => undefined);
    const file = await disk.open(from, spare ? 'write' : 'create', { synced: true });
    const step = 4 * 1024 * 1024;
    for (let at = 0; at < end; at += step) await file.write(memory.bytes, at, Math.min(at + step, end), at);
    void reach('log.recovery.copied');
    await disk.rename(from, path);
    void reach('log.recovery.renamed');
    await disk.syncDir(dir);
    return { end, file, header };
  }

  async #indexSegment(entry: HeldSegment, { no, header, index }: ScannedSegment, current: boolean): Promise<void> {
    const { disk, dir } = this.#parts;
    if (current) {
      this.#parts.index.resume(index.under(entry.salt));
      return;
    }
    const side = header.salt === entry.salt ? await SideFile.open(disk, dir, no, entry.salt) : undefined;
    entry.side = side;
    this.#parts.index.addSealed(no, side ?? index.under(entry.salt));
  }

  /** Segments wholly at or below the cursor: their headers and side files are enough. */
  async #olderSegments(scanned: readonly ScannedSegment[]): Promise<HeldSegment[]> {
    const { disk, dir, clock } = this.#parts;
    const held: HeldSegment[] = [];
    const { segments } = this.#found;
    for (const [i, { no, header }] of segments.entries()) {
      const next = segments[i + 1];
      if (!header || !next || scanned.some((one) => one.no === no)) continue;
      const entry = heldSegment(
        header,
        lsnOf(no, next.header?.previous === no ? next.header.previousEnd : this.#parts.limits.segmentBytes),
      );
      entry.sealedAt = clock.now();
      entry.side = await SideFile.open(disk, dir, no, header.salt);
      // Without its side file such a segment is only asked by walkers; readers find its messages in rows.
      if (entry.side) this.#parts.index.addSealed(no, entry.side);
      held.push(entry);
    }
    return held;
  }
}

type WithMemory = ScannedSegment & { memory: Memory };
