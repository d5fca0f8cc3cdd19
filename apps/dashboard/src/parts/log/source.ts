/* What a log viewer needs to know of a log. Whoever shows one makes a source for it; the viewer knows no API. */

export type LogLevel = 'info' | 'warn' | 'error';

export type LogLine = {
  /** Its number in the whole log, from 0. */
  n: number;
  text: string;
  /** ISO. */
  at?: string | undefined;
  level?: LogLevel | undefined;
  source?: string | undefined;
  attempt?: number | undefined;
  /** How many bytes of it were left out; `whole` has them. */
  cutBytes?: number | undefined;
};

/** Lines `from` to before `to` are not there any more, or never were. */
export type LogGap = { from: number; to: number; reason: string; since?: string | undefined };

export type LogSnapshot = {
  /** Another value means something else is true; the snapshot object itself is stable between. */
  version: number;
  total: number;
  /** Nothing will be added. */
  ended: boolean;
  /** New lines come by themselves. */
  follows: boolean;
  gaps: readonly LogGap[];
};

export type LogQuery = { text: string; regex: boolean; level?: LogLevel | undefined; from: number };
/** `from` and `to` are places in the text of the line. */
export type LogHit = { n: number; from?: number | undefined; to?: number | undefined };
export type LogHits = { total: number; hits: readonly LogHit[] /** There are more after the last. */; more: boolean };
export type LogNarrow = { levels: readonly LogLevel[]; sources: readonly string[] };

export interface LogSource {
  /** What is known of the log now: the same object until `subscribe` calls. */
  snapshot: () => LogSnapshot;
  subscribe(listener: () => void): () => void;
  /** Lines `from` to before `from + count`, in order; those in a gap, or not written yet, are left out. */
  read: (from: number, count: number, signal: AbortSignal) => Promise<readonly LogLine[]>;
  find?: (query: LogQuery, signal: AbortSignal) => Promise<LogHits>;
  /** The next line of level error after (`1`) or before (`-1`) `from`; `null` when there is none. */
  nextError?: (from: number, step: 1 | -1, signal: AbortSignal) => Promise<number | null>;
  /** The whole text of a line that was cut. */
  whole?: (n: number, signal: AbortSignal) => Promise<string>;
  /** The names of its sources, when lines can be narrowed to some of them. */
  sources?: readonly string[];
  /** The same log with only some of its lines. */
  narrow?: (to: LogNarrow) => LogSource;
}
