import { statfs } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Sample } from '@muster/protocol';
import { defaultProjectId } from '#kernel/auth';
import { asError, MusterError, type Service } from '#kernel/base';
import type { Log, StreamKey } from '#kernel/log';
import type { RunningDeps } from './deps.ts';
import { runningLimits } from './limits.ts';
import { SampleRings } from './sample-rings.ts';

/* Once a second: what this node is doing, kept for a day in `installation/samples` and, for charts, in memory.
 *  new     – nothing is measured.
 *  running – a timer measures; what takes a system call or a statement is asked every ten seconds and kept meanwhile.
 *  stopped – for good.
 * Records are appended as they are made while somebody follows, else ten at a time: an idle server should be idle. Those that
 * cannot be appended are left out: a chart with a hole is worth more than a server that waits for one. */

export const samplesKey: StreamKey = { projectId: defaultProjectId, path: 'installation/samples' };

type Gauges = ReturnType<Log['gauges']>;
type Deps = Pick<
  RunningDeps,
  'clock' | 'log' | 'db' | 'queue' | 'pulse' | 'node' | 'database' | 'edge' | 'telemetry' | 'sampleEveryMs'
>;
const slowEvery = 10;
const togetherMax = 10;
/** Ten looks a second find what blocks for long; more would wake an idle process more than all else. */
const loopTickMs = 100;
const headsMany = 10_000;

export class Sampler implements Service {
  readonly #deps: Deps;
  readonly #loop = monitorEventLoopDelay({ resolution: loopTickMs });
  readonly rings = new SampleRings();
  #timer: Disposable | undefined;
  #writing: Promise<void> = Promise.resolve();
  #filled: Promise<void> | undefined;
  #running = false;
  #turn = 0;
  #taken = 0;
  #unwritten: Sample[] = [];
  #cpu = { at: 0, used: 0 };
  #slow: Pick<Sample, 'diskFreeBytes' | 'jobsReady' | 'jobsOldestMs'> = {
    diskFreeBytes: null,
    jobsReady: null,
    jobsOldestMs: null,
  };
  #gauges: Gauges | undefined;
  #last: Sample | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#loop.enable();
    this.#cpu = { at: this.#deps.clock.monotonic(), used: usedCpuMs() };
    this.#plan();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    this.#loop.disable();
    await this.#writing;
    await this.written();
  }

  /** How many have been taken and handed on. */
  get taken(): number {
    return this.#taken;
  }

  /** The newest one; measured now when there is none yet. */
  last(): Sample {
    return this.#last ?? this.#measure();
  }

  /** What the process that ran before this one measured is read once, when somebody wants to see it. */
  filled(): Promise<void> {
    this.#filled ??= this.#readBack().catch((error: unknown) => {
      this.#filled = undefined;
      this.#deps.telemetry.logger.warn(
        { error: asError(error) },
        'samples of before were not read; charts begin later',
      );
    });
    return this.#filled;
  }

  /** Everything measured so far lies in the stream, or never will. */
  async written(): Promise<void> {
    const samples = this.#unwritten.splice(0);
    if (samples.length === 0) return;
    await this.#store(samples).catch((error: unknown) => {
      this.#deps.telemetry.logger.debug({ error: asError(error) }, 'samples were not stored');
    });
  }

  #plan(): void {
    this.#timer = this.#deps.clock.after(this.#deps.sampleEveryMs ?? 1_000, () => {
      this.#writing = this.#sample().finally(() => {
        if (this.#running) this.#plan();
      });
    });
  }

  async #sample(): Promise<void> {
    if (this.#turn++ % slowEvery === 0) await this.#lookSlowly();
    const sample = this.#measure();
    this.#last = sample;
    this.rings.add(sample);
    this.#unwritten.push(sample);
    if (this.#unwritten.length >= togetherMax || (await this.#followed())) await this.written();
    this.#taken += 1;
  }

  async #followed(): Promise<boolean> {
    const head = await this.#deps.log.head(samplesKey).catch(() => undefined);
    return (head?.followers ?? 0) > 0;
  }

  #measure(): Sample {
    const { clock, log, pulse, database, node, edge } = this.#deps;
    const promises = log.promises();
    // Counting what is in memory looks at each stream there.
    if (this.#gauges === undefined || this.#gauges.heads < headsMany || this.#turn % slowEvery === 1)
      this.#gauges = log.gauges();
    const gauges = this.#gauges;
    const memory = process.memoryUsage();
    const pool = database.pool();
    const { sockets, inFlight } = edge();
    // The histogram counts from one tick on, which is no lag.
    const loopLagMs = Math.max(0, (Number.isFinite(this.#loop.max) ? this.#loop.max : 0) / 1e6 - loopTickMs);
    this.#loop.reset();
    return {
      at: new Date(clock.now()).toISOString(),
      node: node.name,
      requests: pulse.requests.perSecond(),
      requestMsP50: rounded(pulse.requests.percentile(0.5)),
      requestMsP99: rounded(pulse.requests.percentile(0.99)),
      serverErrors: pulse.errors.perSecond(),
      loopLagMs: Math.round(loopLagMs * 10) / 10,
      cpu: this.#cpuSince(clock.monotonic()),
      rssBytes: memory.rss,
      heapBytes: memory.heapUsed,
      externalBytes: memory.external,
      ...this.#slow,
      dbMsP50: rounded(pulse.statements.percentile(0.5)),
      dbMsP99: rounded(pulse.statements.percentile(0.99)),
      dbBusy: pool.busy,
      dbWaiting: pool.waiting,
      logAppends: pulse.appends.perSecond(),
      logAckMsP99: rounded(pulse.commits.percentile(0.99)),
      logPendingBytes: gauges.pendingBytes,
      logFlushLagMs: Math.round(promises.flushLagMs),
      logUnflushedBytes: promises.unflushedBytes,
      followers: gauges.followers,
      sockets,
      inFlight,
    };
  }

  #cpuSince(at: number): number {
    const used = usedCpuMs();
    const passed = at - this.#cpu.at;
    const share = passed <= 0 ? 0 : (used - this.#cpu.used) / passed;
    this.#cpu = { at, used };
    return Math.round(share * 1_000) / 1_000;
  }

  async #lookSlowly(): Promise<void> {
    const { queue, node } = this.#deps;
    const [disk, jobs] = await Promise.allSettled([statfs(node.dataDir), queue.depth()]);
    const counts = jobs.status === 'fulfilled' ? jobs.value : undefined;
    const oldest = counts?.flatMap(({ oldestReadyMs }) => (oldestReadyMs === null ? [] : [oldestReadyMs])) ?? [];
    this.#slow = {
      diskFreeBytes: disk.status === 'fulfilled' ? disk.value.bavail * disk.value.bsize : null,
      jobsReady: counts?.reduce((sum, { ready }) => sum + ready, 0) ?? null,
      jobsOldestMs: counts === undefined ? null : Math.round(Math.max(0, ...oldest)),
    };
  }

  async #store(samples: readonly Sample[]): Promise<void> {
    const { log } = this.#deps;
    const messages = samples.map((sample) => Buffer.from(JSON.stringify(sample)));
    try {
      await log.append({ key: samplesKey, messages });
    } catch (error) {
      if (!(error instanceof MusterError) || error.code !== 'notFound') throw error;
      await ensureSamples(this.#deps);
      await log.append({ key: samplesKey, messages });
    }
  }

  async #readBack(): Promise<void> {
    const { log, node } = this.#deps;
    const began = this.#last?.at ?? new Date(this.#deps.clock.now()).toISOString();
    let at = 'start';
    if (!(await log.head(samplesKey))) return;
    for (;;) {
      const page = await log.read(samplesKey, at, { bytes: 2 ** 20, messages: 1_000 });
      for (const { bytes } of page.messages) {
        // Written by `#measure` of this version or one beside it.
        const sample = JSON.parse(Buffer.from(bytes).toString()) as Sample;
        if (sample.node === node.name && sample.at < began) this.rings.add(sample);
      }
      if (page.upToDate || page.messages.length === 0) return;
      at = page.next;
    }
  }
}

export async function ensureSamples({ log }: Pick<RunningDeps, 'log'>): Promise<void> {
  if (await log.head(samplesKey)) return;
  await log.create({
    key: samplesKey,
    contentType: 'application/json',
    retention: { maxAgeMs: runningLimits.samplesKeptMs },
  });
}

const usedCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const rounded = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 100) / 100);
