import { MusterError } from '@muster/protocol';
import { Backoff, monotonic, pause } from './clock.ts';
import { isAway } from './http.ts';
import type { LogLine, LogSpool } from './log-spool.ts';
import type { Log } from './worker-log.ts';

/** A batch leaves when its first line is this old, or when this much waits. */
const batchMs = 100;
const batchBytes = 64 * 1024;
/** While a backlog is sent: records of half the server's limit, as JSON adds to them. */
const backlogBytes = 512 * 1024;
const backlogLines = 5_000;

export type AppendCall = (
  offset: number,
  lines: readonly LogLine[],
  signal: AbortSignal,
) => Promise<{ offset: number }>;

/**
 * - `sent`: everything given is on the server
 * - `full`: the server takes no more; the rest is in the spool
 * - `refused`: the server will never take the rest (old term, finished build, a hole nobody can fill)
 * - `stopped`: the signal ended it
 */
export type SendEnd = 'sent' | 'full' | 'refused' | 'stopped';

/** Sends the spool's lines by offset until it is closed and empty. An answer that got lost costs a repeat, never a line. */
export async function sendLog(spool: LogSpool, append: AppendCall, log: Log, signal: AbortSignal): Promise<SendEnd> {
  const backoff = new Backoff();
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    const batch = await spool.read(backlogLines, backlogBytes);
    if (batch.records.length === 0) {
      if (spool.closed) return 'sent';
      await spool.filled.wait(undefined, signal);
      await gather(spool, signal);
      continue;
    }
    try {
      const lines = batch.records.map((record) => JSON.parse(record) as LogLine);
      const { offset } = await append(batch.from, lines, signal);
      await spool.acknowledge(offset);
      // Answered, yet nothing accepted: do not spin.
      if (spool.line === batch.from) await pause(backoff.next(), signal);
      else backoff.reset();
    } catch (error) {
      if (stopped()) return 'stopped';
      const expected = error instanceof MusterError ? error.extra['expectedOffset'] : undefined;
      if (error instanceof MusterError && error.reason === 'log_full') {
        if (typeof expected === 'number') await spool.acknowledge(expected);
        spool.refuse();
        log.warn('the log of this build is full; the rest will be stored as log-rest.txt');
        return 'full';
      }
      if (error instanceof MusterError && error.reason === 'log_gap') {
        // The server is behind what it once acknowledged (restored from a backup): those lines are gone here too.
        if (typeof expected !== 'number' || expected <= batch.from) return 'refused';
        await spool.acknowledge(expected);
        continue;
      }
      if (!isAway(error)) {
        log.warn('the server refuses log lines', { error });
        return 'refused';
      }
      await pause(Math.max(backoff.next(), error instanceof MusterError ? (error.retryAfterMs ?? 0) : 0), signal);
    }
  }
  return 'stopped';
}

async function gather(spool: LogSpool, signal: AbortSignal): Promise<void> {
  const until = monotonic() + batchMs;
  while (!spool.closed && !signal.aborted && spool.unsentBytes < batchBytes) {
    const left = until - monotonic();
    if (left <= 0) return;
    await spool.filled.wait(left, signal);
  }
}
