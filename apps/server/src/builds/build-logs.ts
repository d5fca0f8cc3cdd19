import type { Clock, Service } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Logger } from '#kernel/telemetry';
import { type Accepted, BuildLog } from './build-log-actor.ts';
import type { NewLine } from './log-lines.ts';
import type { BuildMetrics } from './metrics.ts';
import { saveLogLines } from './queries/log.ts';
import { logKey } from './stream-keys.ts';

type Deps = { db: Db; log: Log; clock: Clock; logger: Logger; metrics: BuildMetrics; logBytesMax: number };

/** Writers kept when nobody uses them; one that is gone is made again from its stream. */
const idleWritersMax = 4_096;
const saveEveryMs = 1_000;
/** At the end, for rows that another node holds. */
const lastTriesMax = 5;
const lastTryMs = 20;

type Count = { buildId: string; term: number; lines: number };
const nameOf = ({ buildId, term }: Pick<Count, 'buildId' | 'term'>): string => `${buildId} ${term}`;

/**
 * The writers of this process, one per build, and the counts of lines they bring to the attempts' rows: once a second for
 * all builds together, never per line.
 */
export class BuildLogs implements Service {
  readonly #deps: Deps;
  readonly #writers = new Map<string, BuildLog>();
  readonly #unsaved = new Map<string, Count>();
  #timer: Disposable | undefined;
  #saving: Promise<void> | undefined;
  #running = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#running = true;
    this.#plan();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    await this.save();
    for (let tries = 0; this.#unsaved.size > 0 && tries < lastTriesMax; tries++) {
      await this.#deps.clock.sleep(lastTryMs);
      await this.save();
    }
  }

  of(projectId: string, buildId: string): BuildLog {
    const { log, clock, metrics, logBytesMax } = this.#deps;
    let writer = this.#writers.get(buildId);
    this.#writers.delete(buildId);
    writer ??= new BuildLog({
      log,
      key: logKey(projectId, buildId),
      bytesMax: logBytesMax,
      now: () => clock.now(),
      repaired: (what) => metrics.logRepaired.add({ what }),
    });
    this.#writers.set(buildId, writer); // last = used last
    this.#forgetIdle();
    return writer;
  }

  /** Lines of a worker; counted, and brought to the attempt's row within a second. */
  async append(
    build: { projectId: string; id: string },
    term: number,
    offset: number | undefined,
    lines: readonly NewLine[],
  ): Promise<Accepted> {
    const { clock, metrics } = this.#deps;
    const began = clock.monotonic();
    const accepted = await this.of(build.projectId, build.id).append(term, offset, lines);
    if (accepted.stored > 0) {
      metrics.logVisible.observe({}, (clock.monotonic() - began) / 1_000);
      metrics.logLines.add({}, accepted.stored);
      metrics.logBytes.add({}, accepted.bytes);
      const count = { buildId: build.id, term, lines: accepted.offset };
      this.#unsaved.set(nameOf(count), count);
    }
    return accepted;
  }

  /** Brings the counts of lines to the rows. A failure keeps them for the next time. */
  async save(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    await this.#saving;
  }

  async #save(): Promise<void> {
    if (this.#unsaved.size === 0) return;
    const counts = new Map(this.#unsaved);
    this.#unsaved.clear();
    try {
      const held = await this.#deps.db.transaction((tx) => saveLogLines(tx, [...counts.values()]));
      this.#keep(counts, new Set(held.map(nameOf)));
    } catch (error) {
      this.#keep(counts, new Set(counts.keys()));
      this.#deps.logger.warn({ error, attempts: counts.size }, 'counts of log lines not saved; kept');
    }
  }

  /** For the next time, unless a newer count is there already. */
  #keep(counts: ReadonlyMap<string, Count>, names: ReadonlySet<string>): void {
    for (const [name, count] of counts) if (names.has(name) && !this.#unsaved.has(name)) this.#unsaved.set(name, count);
  }

  #plan(): void {
    if (!this.#running) return;
    this.#timer = this.#deps.clock.after(saveEveryMs, () => void this.save().finally(() => this.#plan()));
  }

  #forgetIdle(): void {
    if (this.#writers.size <= idleWritersMax) return;
    for (const [buildId, writer] of this.#writers) {
      if (!writer.idle) continue;
      this.#writers.delete(buildId);
      return;
    }
  }
}
