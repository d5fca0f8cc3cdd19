import { statfs } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Job } from '@muster/protocol';
import type { AttemptApi } from './api.ts';
import { artifactName } from './artifacts.ts';
import { BuildFailure } from './build-failure.ts';
import { fetchCerts } from './certs.ts';
import { every } from './clock.ts';
import { download } from './download.ts';
import { environmentOf, hostEnvironment } from './environment.ts';
import type { JobFolder } from './job-folder.ts';
import type { LeaseNote } from './lease-messages.ts';
import type { LogSpool } from './log-spool.ts';
import { Mask } from './mask.ts';
import { parseProgress } from './progress-line.ts';
import { untilAnswered } from './retrying.ts';
import { type CommandEnd, runCommand } from './run-command.ts';
import type { AttemptStage, OutcomeFile } from './state-file.ts';
import { unpack } from './unpack.ts';
import { uploadArtifact } from './upload.ts';
import { UsageSample } from './usage-sample.ts';
import type { Log } from './worker-log.ts';

const usageEveryMs = 5_000;
/** Room that must be left on the worker's disk beside the archive and what it certainly unpacks to. */
const freeBytesMin = 256 * 1024 ** 2;
export const graceMsDefault = 10_000;

export type ExecOptions = { cwd?: string; env?: Readonly<Record<string, string>>; graceMs?: number };
/** What a finished `run` may say; files named here are uploaded after it. */
export type RunResult = { exitCode?: number; files?: readonly OutcomeFile[] };
/** Builds one job. Throwing fails the build: a `BuildFailure` with its code, anything else as `command_failed`. */
export type RunBuild = (job: Job, context: BuildContext) => Promise<RunResult | undefined | void>;

export type ContextDeps = {
  job: Job;
  api: AttemptApi;
  folder: JobFolder;
  spool: LogSpool;
  log: Log;
  signal: AbortSignal;
  note: (note: LeaseNote, soon: boolean) => void;
  saveStage: (stage: AttemptStage) => Promise<void>;
  limitRun: (ms: number) => void;
};

/** What a `run` works with. `signal` aborts when the build must stop; everything here obeys it by itself. */
export class BuildContext {
  readonly folder: JobFolder;
  readonly signal: AbortSignal;
  /** Ids of artifacts stored by `putArtifact`, the primary one first. */
  readonly stored: string[] = [];
  readonly #deps: ContextDeps;
  #secrets: string[] = [];
  #source: Promise<string> | undefined;
  #certs: Promise<string> | undefined;

  constructor(deps: ContextDeps) {
    this.#deps = deps;
    this.folder = deps.folder;
    this.signal = deps.signal;
  }

  /** Adds a line to the build's log. */
  readonly log = (text: string, level?: 'warn' | 'error'): void => this.#deps.spool.say(text, level);

  /** 0…100, and what is being done (64 characters). */
  readonly progress = (percent: number, phase?: string): void => {
    const progress = Math.min(100, Math.max(0, percent));
    this.#deps.note(phase === undefined ? { progress } : { progress, phase: phase.slice(0, 64) }, true);
  };

  /** Ends the build as `timed_out` after `ms`, counted from its start, if that is sooner than the build's own limit. */
  readonly limitRun = (ms: number): void => this.#deps.limitRun(ms);

  /** Fetches, checks and unpacks the source once; the folder it is in. */
  readonly source = (): Promise<string> => (this.#source ??= this.#fetchSource());

  /** Fetches the signing material once; the folder it is in, empty when the build has none. */
  readonly certs = (): Promise<string> => (this.#certs ??= this.#fetchCerts());

  /** Stores a file (path absolute or below the source's folder) as an artifact; the first one is the primary. */
  readonly putArtifact = async (
    path: string,
    name = artifactName(path.split('/').at(-1) ?? path),
  ): Promise<{ id: string }> => {
    const file = { name, path: isAbsolute(path) ? path : join(this.folder.work, path) };
    const id = await uploadArtifact(this.#deps.api, file, this.#deps.log, this.signal);
    this.stored.push(id);
    return { id };
  };

  /**
   * Runs a command in the build's environment and process group, its output going to the build's log. Resolves with
   * its exit code once it and all its children are gone.
   */
  readonly exec = async (
    command: string | readonly string[],
    options: ExecOptions = {},
  ): Promise<CommandEnd & { lastLines: string[] }> => {
    this.signal.throwIfAborted();
    const { job, spool } = this.#deps;
    const lastLines: string[] = [];
    let sampling: Disposable | undefined;
    try {
      const end = await runCommand({
        command,
        cwd: options.cwd ?? this.folder.work,
        env: environmentOf(job, this.folder, this.#deps.api.http.base, hostEnvironment(), options.env),
        buildId: job.build.id,
        term: job.build.term,
        graceMs: options.graceMs ?? graceMsDefault,
        signal: this.signal,
        mask: this.#mask(),
        room: () => spool.room(),
        onLine: (text, source) => this.#line(text, source, lastLines),
        onStarted: async (group, startedAt) => {
          await this.#deps.saveStage({ stage: 'running', group, startedAt: startedAt ?? null });
          sampling = this.#sample(group);
        },
      });
      return { ...end, lastLines };
    } finally {
      sampling?.[Symbol.dispose]();
    }
  };

  #line(text: string, source: 'stdout' | 'stderr', lastLines: string[]): void {
    const note = parseProgress(text);
    if (note) return this.#deps.note(note, true);
    this.#deps.spool.output(text, source);
    lastLines.push(text.slice(0, 4_096));
    if (lastLines.length > 20) lastLines.shift();
  }

  #mask(): Mask {
    const { job } = this.#deps;
    return new Mask([...Object.values(job.secretEnv), job.token, ...this.#secrets]);
  }

  #sample(group: number): Disposable {
    const usage = new UsageSample(group, this.folder.root);
    const take = async (): Promise<void> => {
      try {
        this.#deps.note({ metrics: await usage.take() }, false);
      } catch (error) {
        this.#deps.log.warn('measuring the build failed', { error });
      }
    };
    void take();
    return every(usageEveryMs, () => void take());
  }

  async #fetchSource(): Promise<string> {
    const { job, api, folder, log, signal } = this.#deps;
    const { source } = job;
    const { bavail, bsize } = await statfs(folder.root);
    if (bavail * bsize < 2 * source.sizeBytes + freeBytesMin) {
      throw new BuildFailure(
        'worker_disk_full',
        `the worker's disk has ${bavail * bsize} bytes left, the source alone has ${source.sizeBytes}`,
      );
    }
    await download(
      api.http,
      { url: source.url, token: job.token, sha256: source.sha256, sizeBytes: source.sizeBytes, to: folder.archive },
      log,
      signal,
    );
    const { files, bytes } = await unpack(folder.archive, source.format, folder.work, signal);
    this.log(`Source unpacked: ${files} files, ${bytes} bytes`);
    return folder.work;
  }

  async #fetchCerts(): Promise<string> {
    const { job, api, folder, log, signal } = this.#deps;
    const { certs } = job;
    if (certs) {
      this.#secrets = await untilAnswered('fetching the certificates', log, signal, () =>
        fetchCerts(api.http, certs.url, job.token, folder.certs, signal),
      );
    }
    return folder.certs;
  }
}
