import type { Patience } from '@muster/client';
import type { Build, LogRecord } from '@muster/protocol';
import type { Context } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';
import { duration } from '../shell/output.ts';

export type LogOptions = { follow?: boolean; finish?: AbortSignal; attempt?: number; tail?: number; grep?: RegExp };

/** Prints a build's log; with `follow` until the build is done, through cuts and restarts of the server. */
export async function printLog(context: Context, id: string, options: LogOptions): Promise<void> {
  const { client, output } = context;
  const kept: LogRecord[] = [];
  const wanted = (record: LogRecord): boolean =>
    (options.attempt === undefined || record.attempt === options.attempt) && (options.grep?.test(record.text) ?? true);
  const print = (record: LogRecord): void =>
    output.raw(output.json ? `${JSON.stringify(record)}\n` : lineOf(context, record));
  let following = options.tail === undefined;
  const pages = client.builds.log(id, {
    once: !options.follow,
    signal: context.signal,
    ...(options.finish ? { finish: options.finish } : {}),
    ...tellWaits(context),
  });
  for await (const page of pages) {
    for (const record of page.records.filter(wanted)) {
      if (following) print(record);
      else kept.push(record);
    }
    if (kept.length > (options.tail ?? 0)) kept.splice(0, kept.length - (options.tail ?? 0));
    if (page.upToDate && !following) {
      for (const record of kept.splice(0)) print(record);
      following = true;
    }
  }
  for (const record of kept) print(record);
}

/** Prints the log live and waits for the end, whichever of the two is known first; lines that came by then are shown. */
export async function followToEnd(
  context: Context,
  id: string,
  options: Omit<LogOptions, 'follow' | 'finish'> & { timeoutMs?: number } = {},
): Promise<Build> {
  const finish = new AbortController();
  const { timeoutMs, ...rest } = options;
  // The log says when nothing moves; once is enough.
  const end = awaitEnd(context, id, timeoutMs, {}).finally(() => finish.abort());
  const [build] = await Promise.all([end, printLog(context, id, { ...rest, follow: true, finish: finish.signal })]);
  return build;
}

const tellWaits = ({ output }: Context): Partial<Patience> => ({
  onWait: (error, waitMs) => output.note(output.dim(`${error.message} Trying again in ${duration(waitMs)}.`)),
});

function lineOf(context: Context, record: LogRecord): string {
  const text = record.level === 'error' ? context.output.warn(record.text) : record.text;
  return `${record.source === 'system' ? context.output.dim(`· ${record.text}`) : text}\n`;
}

/** Waits for the end and says how it came; anything but success ends the command with its exit code. */
export async function awaitEnd(
  context: Context,
  id: string,
  timeoutMs?: number,
  patience: Partial<Patience> = tellWaits(context),
): Promise<Build> {
  const limit =
    timeoutMs === undefined ? context.signal : AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return await context.client.builds.finished(id, limit, patience);
  } catch (error) {
    if (limit.aborted && !context.signal.aborted) {
      const state = await context.client.builds.get(id).then(
        (build) => build.state,
        () => 'not known to be over',
      );
      throw new Ended(
        exitCodes.timeout,
        `Still ${state} after ${duration(timeoutMs ?? 0)}; the build goes on. See it with: muster builds show ${id}`,
      );
    }
    throw error;
  }
}

export function judge(build: Build): void {
  if (build.state === 'succeeded') return;
  const failure = build.failure
    ? `${build.failure.detail} (${build.failure.code}, ${build.failure.attribution}). ${build.failure.remedy}`
    : '';
  if (build.state === 'cancelled')
    throw new Ended(exitCodes.runCancelled, `Build ${build.id} was cancelled (${build.stopReason ?? 'unknown'}).`);
  throw new Ended(exitCodes.runFailed, `Build ${build.id} failed: ${failure}`);
}
