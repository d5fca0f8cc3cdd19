import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** What a number was measured on; without it a number says nothing. */
export type Machine = { cpu: string; cores: number; memoryGb: number; node: string; os: string };

export function machine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    os: osName(),
  };
}

function osName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}

export type Spread = { p50: number; p90: number; p99: number; max: number };

/** Percentiles of a list of numbers. */
export const spread = (values: readonly number[]): Spread => spreadOf(Float64Array.from(values));

/** The same of a typed array, which is sorted in place. */
export function spreadOf(values: Float64Array): Spread {
  values.sort();
  const at = (share: number): number =>
    round(values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: round(values.at(-1) ?? 0) };
}

/** Three digits that count. */
export const round = (value: number): number => Number(value.toPrecision(3));
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Of several rounds: the median of each percentile, and the worst of all. */
export const middleSpread = (rounds: readonly Spread[]): Spread => ({
  p50: median(rounds.map(({ p50 }) => p50)),
  p90: median(rounds.map(({ p90 }) => p90)),
  p99: median(rounds.map(({ p99 }) => p99)),
  max: Math.max(...rounds.map(({ max }) => max)),
});

/** Prints rows under their headings, numbers to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const text = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)));
  const widths = headings.map((heading, i) => Math.max(heading.length, ...text.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[], numbers: readonly boolean[]): string =>
    cells.map((cell, i) => (numbers[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ');
  const numeric = headings.map((_, i) => rows.every((row) => typeof row[i] === 'number' || row[i] === '–'));
  console.log(line(headings, numeric));
  console.log(widths.map((width) => '─'.repeat(width)).join('  '));
  for (const row of text) console.log(line(row, numeric));
}

/** `--name=value` and `--flag` of the command line. */
export function options(): {
  json: boolean;
  get(name: string, fallback: number): number;
  text(name: string): string | undefined;
} {
  const given = new Map<string, string | undefined>();
  for (const arg of process.argv.slice(2)) {
    const [name = '', value] = arg.replace(/^--/, '').split('=');
    given.set(name, value);
  }
  return {
    json: given.has('json'),
    text: (name) => given.get(name),
    get: (name, fallback) => (given.get(name) === undefined ? fallback : Number(given.get(name))),
  };
}
