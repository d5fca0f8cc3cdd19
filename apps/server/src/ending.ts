import { Socket } from 'node:net';
import { MusterError } from '@muster/protocol';
import { ConfigError } from '#config';
import { type FatalHandler, systemClock } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';

type Exit = (code: number) => void;

/** Whole time a stop may take; what is not finished then is recovered at the next start. */
const stopMsMax = 25_000;

/**
 * Aborted by SIGTERM, SIGINT, a closed terminal, or the end of the parent that holds our pipe. A second signal ends the process at once:
 * everything acknowledged is synced already, so there is nothing left to save.
 */
export function stopSignal(args: readonly string[], exit: Exit): { signal: AbortSignal; rest: readonly string[] } {
  const stop = new AbortController();
  const ask = (why: string): void => {
    if (stop.signal.aborted && why.startsWith('SIG')) exit(1);
    stop.abort(why);
    // Keeps nobody alive: only a stop that hangs gets here.
    systemClock.after(stopMsMax, () => exit(1));
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => ask(name));
  const at = args.indexOf('--parent-fd');
  if (at === -1) return { signal: stop.signal, rest: args };
  followParent(Number(args[at + 1]), () => ask('the parent process ended'));
  return { signal: stop.signal, rest: args.toSpliced(at, 2) };
}

/** The parent never writes; the pipe ends when it dies, whatever killed it. */
function followParent(fd: number, ended: () => void): void {
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.on('error', ended);
  pipe.on('close', ended);
  pipe.resume();
  pipe.unref();
}

/** What a failed start says, and the exit code. Our own errors are one sentence with a remedy; the rest shows its stack. */
export function explainFailure(error: unknown): { text: string; code: number } {
  if (error instanceof ConfigError) return { text: error.message, code: 2 };
  if (error instanceof MusterError) return { text: error.message, code: 1 };
  return { text: error instanceof Error ? (error.stack ?? error.message) : String(error), code: 1 };
}

/** The process cannot go on truthfully: nothing more is written, also not what a clean stop would write. */
export const endNow =
  (logger: Logger, exit: Exit): FatalHandler =>
  (error, code) => {
    logger.fatal({ error }, 'the server cannot go on and ends now');
    exit(code);
  };
