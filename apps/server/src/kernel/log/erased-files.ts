import { join } from 'node:path';
import { asError, type Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Committer } from './commit.ts';
import { deleteErasuresBelow, erasedSegments } from './content-queries.ts';
import type { Disk } from './disk.ts';
import type { DiskJournal } from './disk-journal.ts';
import type { Erasures } from './erasures.ts';
import type { LogEvents } from './events.ts';
import type { Quarantine } from './found-segments.ts';
import type { LogLimits } from './limits.ts';
import { lsnOf, segmentNoOf, segmentOf } from './segment.ts';
import type { Spares } from './spares.ts';
import type { Tape } from './tape.ts';

type Parts = {
  disk: Disk;
  dir: string;
  db: Db;
  journal: DiskJournal;
  spares: Spares;
  tape: Tape;
  committer: Committer;
  erasures: Erasures;
  quarantine: Quarantine;
  clock: Clock;
  limits: LogLimits;
  events: LogEvents;
  /** Writes something small, so that a segment begins although nobody appends. */
  nudge: () => Promise<void>;
  /** Gives back what may go now. */
  release: () => Promise<void>;
};

const lookAgainMs = 1000;
/** Longer than any read may take that began before its rows were changed. */
const readMsMax = 60_000;
/** What was erased is gone from every file this long after it reached Postgres, or an operator hears of it. */
const withinMs = 10 * 60_000;

/*
 * Lets the files of the log give up erased bodies. Which file still holds one cannot be told for sure (segments are used
 * again, and a recovery copies), so all of them go: spares that were segments, and every segment up to the one written now.
 *
 *   idle       no file holds anything erased.
 *   gathering  rows show what was put in its place; more erasures may come, so that they share one round.
 *   emptying   a new segment was begun; those before it go as soon as Postgres holds them and nobody reads in them.
 *   ended      disposed of. What is left to do stands in rows and is taken up at the next start.
 */
export class ErasedFiles {
  readonly #parts: Parts;
  #state: 'idle' | 'gathering' | 'emptying' | 'ended' = 'idle';
  #through = 0;
  /** Erasures below this lsn are done with this round. */
  #covers = 0;
  #flushedTo = 0;
  #since = 0;
  #late = false;
  #timer: Disposable | undefined;
  #forgetting: Disposable | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Segments up to this number go ahead of the keep rules; 0 when none must. */
  get through(): number {
    return this.#state === 'emptying' ? this.#through : 0;
  }

  /** Postgres holds everything below `to`. */
  flushed(to: number): void {
    this.#flushedTo = to;
    const { erasures, clock, limits, spares } = this.#parts;
    if (this.#state !== 'idle' || !erasures.anyWithin(this.#covers, to)) return;
    this.#state = 'gathering';
    this.#since = clock.now();
    this.#late = false;
    spares.recycling = false;
    this.#timer = clock.after(limits.erasingGatherMs, () => this.#run(() => this.#begin()));
  }

  /** Segments were given back, or could not be. */
  released(): void {
    if (this.#state !== 'emptying' || this.#through === 0) return;
    const oldest = this.#parts.journal.segments[0];
    if (oldest && oldest.no <= this.#through) return this.#lookAgain();
    this.#run(() => this.#finish());
  }

  async end(): Promise<void> {
    this.#state = 'ended';
    this.#timer?.[Symbol.dispose]();
    this.#forgetting?.[Symbol.dispose]();
    await this.#working;
  }

  #run(act: () => Promise<void>): void {
    this.#working = this.#working.then(async () => {
      if (this.#isEnded()) return;
      try {
        await act();
      } catch (error) {
        this.#parts.events.backgroundFailed('erasing from the files of the log', asError(error));
        this.#lookAgain();
      }
    });
  }

  #isEnded(): boolean {
    return this.#state === 'ended';
  }

  async #begin(): Promise<void> {
    const { spares, journal, committer, nudge } = this.#parts;
    this.#covers = this.#flushedTo;
    await spares.dropUsed();
    const through = journal.rotate();
    while (!this.#isEnded() && segmentOf(committer.durableTo) <= through) await nudge();
    if (this.#isEnded()) return;
    this.#through = through;
    this.#state = 'emptying';
    this.#lookAgain();
  }

  #lookAgain(): void {
    const { clock, release, events } = this.#parts;
    if (this.#isEnded()) return;
    if (!this.#late && clock.now() - this.#since > withinMs) {
      this.#late = true;
      events.backgroundFailed('erasing from the files of the log', new Error('it takes longer than it may'));
    }
    this.#timer?.[Symbol.dispose]();
    this.#timer = clock.after(lookAgainMs, () => {
      if (this.#state === 'emptying') void release();
      else if (this.#state === 'gathering') this.#run(() => this.#begin());
    });
  }

  async #finish(): Promise<void> {
    if (this.#state !== 'emptying') return;
    const { tape, quarantine, db, erasures, spares, clock, events } = this.#parts;
    const covers = this.#covers;
    tape.forget(lsnOf(this.#through + 1, 0));
    await quarantine.forget(new Set(await erasedSegments(db, covers)));
    await this.#removeLeftOvers();
    await db.transaction((tx) => deleteErasuresBelow(tx, covers));
    this.#forgetting?.[Symbol.dispose]();
    this.#forgetting = clock.after(readMsMax, () => erasures.forgetBelow(covers));
    spares.recycling = true;
    events.erased(clock.now() - this.#since);
    this.#timer?.[Symbol.dispose]();
    this.#state = 'idle';
    this.flushed(this.#flushedTo);
  }

  /** A recovery that was cut short may have left a copy of a segment under another name. */
  async #removeLeftOvers(): Promise<void> {
    const { disk, dir } = this.#parts;
    for (const name of await disk.list(dir)) {
      const no = name.endsWith('.wal.new') ? segmentNoOf(name.slice(0, -'.new'.length)) : undefined;
      if (no !== undefined && no <= this.#through) await disk.remove(join(dir, name));
    }
    await disk.syncDir(dir);
  }
}
