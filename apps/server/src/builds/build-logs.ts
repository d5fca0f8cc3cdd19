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

/**
 * The writers of this process, one per build, and the counts of lines they bring to the attempts' rows: once a second for
 * all builds together, never per line.
 */
export class BuildLogs implements Service {
  readonly #deps: Deps;
  readonly #writers = new Map<string, BuildLog>();
  readonly #unsaved = new Map<string, { buildId: string; term: number; lines: number }>();
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
      this.#unsaved.set(`${build.id} ${term}`, { buildId: build.id, term, lines: accepted.offset });
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
    const counts = [...this.#unsaved.values()];
    this.#unsaved.clear();
    try {
      await this.#deps.db.transaction((tx) => saveLogLines(tx, counts));
    } catch (error) {
      for (const count of counts) {
        const key = `${count.buildId} ${count.term}`;
        if (!this.#unsaved.has(key)) this.#unsaved.set(key, count);
      }
      this.#deps.logger.warn({ error, attempts: counts.length }, 'counts of log lines not saved; kept');
    }
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
