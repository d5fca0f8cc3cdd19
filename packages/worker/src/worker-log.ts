import { now } from './clock.ts';

export type LogFields = Readonly<Record<string, unknown>>;
/** What the worker says about itself to whoever runs it; builds' own output never goes here. */
export type Log = {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  with(fields: LogFields): Log;
};

export type LogFormat = 'text' | 'json';

/** One line per event, written by `write`. */
export function workerLog(write: (line: string) => void, format: LogFormat = 'text', base: LogFields = {}): Log {
  const say = (level: 'info' | 'warn' | 'error', message: string, fields: LogFields = {}): void => {
    const all = Object.fromEntries(Object.entries({ ...base, ...fields }).map(([name, value]) => [name, shown(value)]));
    const time = new Date(now()).toISOString();
    if (format === 'json') return write(`${JSON.stringify({ time, level, message, ...all })}\n`);
    const rest = Object.entries(all).map(
      ([name, value]) =>
        ` ${name}=${typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value)}`,
    );
    write(`${time} ${level.padEnd(5)} ${message}${rest.join('')}\n`);
  };
  return {
    info: (message, fields) => say('info', message, fields),
    warn: (message, fields) => say('warn', message, fields),
    error: (message, fields) => say('error', message, fields),
    with: (fields) => workerLog(write, format, { ...base, ...fields }),
  };
}

export const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLog,
};

function shown(value: unknown): unknown {
  if (value instanceof Error) {
    const cause = value.cause instanceof Error ? ` (${value.cause.message})` : '';
    return `${value.message}${cause}`;
  }
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}
