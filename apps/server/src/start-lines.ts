import type { LogLevel } from '#kernel/telemetry';

/** What a person at a terminal is told while the server starts. Without a terminal there are log lines only. */
export type StartLines = {
  phase(name: string, tookMs: number): void;
  waiting(name: string, forMs: number): void;
  ready(facts: readonly (readonly [name: string, value: string])[]): void;
};

export const noStartLines: StartLines = { phase: () => undefined, waiting: () => undefined, ready: () => undefined };

export function terminalLines(write: (text: string) => void): StartLines {
  const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;
  return {
    phase: (name, tookMs) => write(`  ${dim('✓')} ${name.padEnd(18)} ${dim(showMs(tookMs))}\n`),
    waiting: (name, forMs) => write(`  … ${name.padEnd(18)} ${dim(`waiting for ${showMs(forMs)}`)}\n`),
    ready: (facts) => write(`\n${facts.map(([name, value]) => `  ${dim(name.padEnd(10))} ${value}\n`).join('')}\n`),
  };
}

const showMs = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** While the start lines tell a person what happens, usual log lines would only say it twice. */
export const startLevel = (level: LogLevel, terminal: boolean): LogLevel =>
  terminal && level === 'info' ? 'warn' : level;

/** Log lines beside the start lines: pretty on a terminal unless the setting says otherwise. */
export const logForm = (setting: 'auto' | 'json' | 'pretty', terminal: boolean): 'json' | 'pretty' =>
  setting === 'auto' ? (terminal ? 'pretty' : 'json') : setting;
