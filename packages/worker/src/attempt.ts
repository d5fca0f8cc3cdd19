import { type Job, MusterError } from '@muster/protocol';
import type { AttemptApi, WorkerApi } from './api.ts';
import { BuildContext, type RunBuild } from './build-context.ts';
import { BuildFailure, hostFailure } from './build-failure.ts';
import { after, monotonic, within } from './clock.ts';
import { type JobFolder, makeJobFolder, removeJobFolder } from './job-folder.ts';
import type { LeaseNote } from './lease-messages.ts';
import { type SendEnd, sendLog } from './log-sender.ts';
import { LogSpool } from './log-spool.ts';
import { Mask } from './mask.ts';
import { failureOf, report } from './report.ts';
import { untilAnswered } from './retrying.ts';
import { type AttemptStage, type AttemptState, type Outcome, writeState } from './state-file.ts';
import { orderOf, StopOrder } from './stop-order.ts';
import type { Log } from './worker-log.ts';

/** How long a stopped or given-back build's last log lines and its farewell may take. */
const lastLinesMsMax = 3_000;
const farewellMsMax = 5_000;
/** A cancel that cannot be confirmed in time ends by the server's own grace. */
const stoppedMsMax = 60_000;

export type AttemptDeps = {
  api: WorkerApi;
  dir: string;
  run: RunBuild;
  log: Log;
  note: (note: LeaseNote, soon: boolean) => void;
  /** How long a stopped `run` is waited for; without it for ever: then `run` promises to end. */
  stopMsMax?: number | undefined;
};
/** `unheard`: the outcome could not be told, or the server did not want it (lost lease, old term). */
export type AttemptEnd = 'succeeded' | 'failed' | 'cancelled' | 'abandoned' | 'unheard';

/*
 * One attempt, from the job to the answer of the server, on one stop signal:
 *  preparing – folder, state file, log; `start` said
 *  running   – the `run` is at work; the time limit counts from `start`
 *  finished  – the outcome is on disk; log, artifacts and result go out
 * A stop order moves it from anywhere to its end. Whatever happens the folder goes away, certificates first.
 */
export async function runAttempt(deps: AttemptDeps, job: Job, stop: AbortController): Promise<AttemptEnd> {
  const { id, term } = job.build;
  const log = deps.log.with({ build: id, term });
  const api = deps.api.attempt(id, term, job.token);
  const folder = await makeJobFolder(deps.dir, id, term);
  const base = {
    version: 1,
    buildId: id,
    term,
    url: api.http.base,
    token: job.token,
    heartbeatEveryMs: job.lease.heartbeatEveryMs,
  } as const;
  const saveStage = (stage: AttemptStage): Promise<void> => writeState(folder.root, { ...base, ...stage });
  const mask = new Mask([...Object.values(job.secretEnv), job.token, deps.api.token]);
  const onBroken = (cause: unknown): void =>
    stop.abort(new StopOrder('broken', 'the log could not be written', { cause }));
  try {
    await saveStage({ stage: 'preparing' });
    await using line = await openLine(api, folder, mask, onBroken, log);
    return await ending({ api, folder, line, log, stop }, async () => {
      const { state, stopReason } = await untilAnswered('starting', log, stop.signal, () => api.start(stop.signal));
      if (state === 'cancelling') stop.abort(new StopOrder('cancel', `cancelled (${stopReason ?? 'user'})`));
      stop.signal.throwIfAborted();
      const outcome = await work(deps, job, { api, folder, line, log, stop, saveStage });
      await saveStage({ stage: 'finished', outcome });
      return outcome;
    });
  } finally {
    await removeJobFolder(folder);
  }
}

/** Goes on with an attempt whose work was done when the worker died: only the report is left. */
export async function reportAttempt(
  deps: Pick<AttemptDeps, 'api' | 'log'>,
  state: AttemptState & { stage: 'finished' },
  folder: JobFolder,
  stop: AbortController,
): Promise<AttemptEnd> {
  const log = deps.log.with({ build: state.buildId, term: state.term });
  const api = deps.api.attempt(state.buildId, state.term, state.token);
  try {
    await using line = await openLine(
      api,
      folder,
      new Mask([]),
      (cause) => stop.abort(new StopOrder('broken', 'the log could not be read', { cause })),
      log,
    );
    return await ending({ api, folder, line, log, stop }, () => Promise.resolve(state.outcome));
  } finally {
    await removeJobFolder(folder);
  }
}

type Line = { spool: LogSpool; sending: Promise<SendEnd>; silence: AbortController } & AsyncDisposable;
type Running = { api: AttemptApi; folder: JobFolder; line: Line; log: Log; stop: AbortController };

/** The log's way to the server. */
async function openLine(
  api: AttemptApi,
  folder: JobFolder,
  mask: Mask,
  onBroken: (cause: unknown) => void,
  log: Log,
): Promise<Line> {
  const spool = await LogSpool.open(folder.log, mask, onBroken);
  const silence = new AbortController();
  const sending = sendLog(
    spool,
    (offset, lines, signal) => api.appendLog(offset, [...lines], signal),
    log,
    silence.signal,
  );
  // Looked at when the attempt ends; a failure before that is a disk failure, which `onBroken` reports too.
  sending.catch(onBroken);
  const dispose = async (): Promise<void> => {
    silence.abort();
    await sending.catch(() => undefined);
    await spool.dispose();
  };
  return { spool, sending, silence, [Symbol.asyncDispose]: dispose };
}

async function work(
  deps: AttemptDeps,
  job: Job,
  { api, folder, line, log, stop, saveStage }: Running & { saveStage: (stage: AttemptStage) => Promise<void> },
): Promise<Outcome> {
  const began = monotonic();
  const limitRun = (ms: number): Disposable =>
    after(Math.max(0, began + ms - monotonic()), () =>
      stop.abort(new StopOrder('timeout', `the build ran longer than ${Math.round(ms / 1_000)} s`)),
    );
  const timers = [limitRun(job.limits.maxRunMs)];
  const { signal } = stop;
  const context = new BuildContext({
    job,
    api,
    folder,
    spool: line.spool,
    log,
    signal,
    note: deps.note,
    saveStage,
    limitRun: (ms) => void timers.push(limitRun(ms)),
  });
  try {
    const result = await obeying(deps.run(job, context), signal, deps.stopMsMax);
    signal.throwIfAborted();
    const files = result?.files ?? [];
    // Not left to the server: it would take the rest of a full log for the artifact.
    if (job.build.expects === 'artifact' && files.length + context.stored.length === 0) {
      throw new BuildFailure('artifact_missing', 'an artifact is expected, and the build left none');
    }
    return { kind: 'done', exitCode: result?.exitCode, files, stored: context.stored };
  } catch (error) {
    signal.throwIfAborted();
    if (isLost(error)) throw error;
    return { kind: 'failed', failure: failureOf(hostFailure(error, 'building')) };
  } finally {
    for (const timer of timers) timer[Symbol.dispose]();
  }
}

/** `run` as it ends, or the stop order once a `run` that does not obey has had its time. */
async function obeying<T>(run: Promise<T>, signal: AbortSignal, msMax: number | undefined): Promise<T> {
  if (msMax === undefined) return run;
  let timer: Disposable | undefined;
  let onAbort = (): void => undefined;
  const patience = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = after(msMax, () => reject(signal.reason as Error));
    };
  });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([run, patience]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    timer?.[Symbol.dispose]();
  }
}

/** Runs `toOutcome`, reports what it gives, and turns every way it can be stopped into the farewell that fits. */
async function ending(running: Running, toOutcome: () => Promise<Outcome>): Promise<AttemptEnd> {
  const { stop, log } = running;
  try {
    return await tell(running, await toOutcome(), stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) {
      if (isLost(error)) return unheard(running, error);
      return tellFailure(running, hostFailure(error, 'the worker failed'));
    }
  }
  const order = orderOf(stop.signal);
  log.info(`stopped: ${order.message}`, { kind: order.kind });
  return obey(running, order);
}

function obey(running: Running, order: StopOrder): Promise<AttemptEnd> {
  const { api } = running;
  switch (order.kind) {
    case 'lost':
      return Promise.resolve('unheard');
    case 'timeout':
      return tellFailure(running, new BuildFailure('timed_out', order.message));
    case 'broken':
      return tellFailure(running, hostFailure(order.cause, order.message));
    case 'cancel':
      return farewell(running, `Stopped: ${order.message}`, 'cancelled', stoppedMsMax, (signal) => api.stopped(signal));
    case 'abandon':
      break;
  }
  return farewell(running, `Given back: ${order.message}`, 'abandoned', farewellMsMax, (signal) =>
    api.abandon(order.message, signal),
  );
}

async function tell({ api, folder, line, log }: Running, outcome: Outcome, signal: AbortSignal): Promise<AttemptEnd> {
  if (outcome.kind === 'failed') line.spool.say(`Failed: ${outcome.failure.detail}`, 'error');
  await report({ api, folder, spool: line.spool, sending: line.sending, log, signal }, outcome);
  log.info(outcome.kind === 'done' ? 'reported as succeeded' : `reported as failed: ${outcome.failure.code}`);
  return outcome.kind === 'done' ? 'succeeded' : 'failed';
}

/** The stop order is spent by now; the report goes out under a signal of its own. */
async function tellFailure(running: Running, failure: BuildFailure): Promise<AttemptEnd> {
  try {
    return await tell(running, { kind: 'failed', failure: failureOf(failure) }, AbortSignal.timeout(reportMsMax));
  } catch (error) {
    return unheard(running, error);
  }
}
const reportMsMax = 15 * 60_000;

async function farewell(
  { api, line, log }: Running,
  lastLine: string,
  end: AttemptEnd,
  msMax: number,
  say: (signal: AbortSignal) => Promise<void>,
): Promise<AttemptEnd> {
  line.spool.say(lastLine, 'warn');
  await line.spool.close();
  await within(line.sending, lastLinesMsMax).catch((error: unknown) =>
    log.warn('the last lines were not sent', { error }),
  );
  const signal = AbortSignal.timeout(msMax);
  try {
    await untilAnswered(`telling that it is ${end}`, log, signal, () => say(signal));
    return end;
  } catch (error) {
    log.warn(`the server could not be told that the build is ${end}`, { error, build: api.buildId });
    return 'unheard';
  }
}

function unheard({ log }: Running, error: unknown): AttemptEnd {
  // A cancel that overtook the result: the server took the result for the confirmation.
  if (error instanceof MusterError && error.reason === 'build_cancelled') return 'cancelled';
  log.warn('the server does not want this attempt any more', { error });
  return 'unheard';
}

/** The server's answer for an attempt that is not (or no longer) ours. */
const isLost = (error: unknown): boolean =>
  error instanceof MusterError && (error.code === 'conflict' || error.status === 401 || error.status === 403);
