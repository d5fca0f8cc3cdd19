import { Writable } from 'node:stream';
import { pino } from 'pino';
import { redact } from './redact.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
type Fields = Readonly<Record<string, unknown>>;

/** Where rooms write. `fields` first, then one sentence; secrets are masked by name before anything is written. */
export interface Logger {
  trace(fields: Fields, text?: string): void;
  debug(fields: Fields, text?: string): void;
  info(fields: Fields, text?: string): void;
  warn(fields: Fields, text?: string): void;
  error(fields: Fields, text?: string): void;
  fatal(fields: Fields, text?: string): void;
  /** The same log with `fields` on every line, such as the room's name. */
  child(fields: Fields): Logger;
  /** Changes at run time, for children made before too. */
  setLevel(level: LogLevel): void;
}

export type LoggerOptions = {
  level: LogLevel;
  /** `pretty` for a person at a terminal, `json` for everything else. */
  form: 'json' | 'pretty';
  /** Fields of every line: node name, version. */
  base?: Fields;
  /** Default: standard output. Tests pass their own. */
  write?: (line: string) => void;
};

export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const to = await destination(options);
  const root = pino(
    {
      // Children check the shared level themselves, so a change at run time reaches all of them.
      level: 'trace',
      base: { ...options.base },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
    },
    to,
  );
  return wrap(root, { level: options.level });
}

/** pino-pretty is loaded only for a terminal: a server under a supervisor never needs it. */
async function destination(options: LoggerOptions): Promise<pino.DestinationStream> {
  const { write } = options;
  if (options.form === 'pretty') {
    const { PinoPretty } = await import('pino-pretty');
    const sink = write && new Writable({ write: (chunk: Buffer, _, done) => (write(chunk.toString()), done()) });
    return PinoPretty({
      ignore: 'pid,hostname,node,version',
      translateTime: 'SYS:HH:MM:ss.l',
      singleLine: true,
      ...(sink ? { destination: sink, colorize: false } : { destination: 1, sync: true }),
    });
  }
  // Lines go out together: a write for each would be a twentieth of a busy server's time. What waits at the end of the process
  // is written then.
  return write ? { write } : pino.destination({ dest: 1, sync: false, minLength: 4_096, periodicFlush: flushEveryMs });
}

/** A line is written at the latest after this long. */
const flushEveryMs = 100;

const rank: Record<LogLevel, number> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: 99 };

function wrap(to: pino.Logger, shared: { level: LogLevel }): Logger {
  const at = (level: Exclude<LogLevel, 'silent'>) => (fields: Fields, text?: string) => {
    if (rank[level] >= rank[shared.level]) to[level](redact(fields), text);
  };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: (fields) => wrap(to.child(redact(fields)), shared),
    setLevel: (level) => {
      shared.level = level;
    },
  };
}

/** For tests and for rooms used without a server: writes nothing. */
export const silentLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  child: () => silentLogger,
  setLevel: () => undefined,
};
