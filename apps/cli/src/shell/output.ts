import { MusterError } from '@muster/protocol/errors';

export type OutputOptions = { json: boolean; quiet: boolean; color: boolean };

/**
 * Results go to stdout, everything else to stderr, so a pipe gets results alone. With `--json` results are the API's own
 * shapes, one object a line. Progress moves only on a terminal.
 */
export class Output {
  readonly json: boolean;
  readonly #quiet: boolean;
  readonly #color: boolean;
  #barShown = false;

  constructor(options: OutputOptions) {
    this.json = options.json;
    this.#quiet = options.quiet;
    this.#color = options.color && process.stdout.isTTY;
  }

  /** One object: as JSON, or as the lines a person reads. */
  result(value: unknown, lines: () => readonly string[]): void {
    process.stdout.write(
      this.json
        ? `${JSON.stringify(value)}\n`
        : lines()
            .map((line) => `${line}\n`)
            .join(''),
    );
  }

  /** Many objects: NDJSON, or a table. */
  list<T>(
    items: readonly T[],
    columns: readonly (readonly [title: string, cell: (item: T) => string])[],
    none: string,
  ): void {
    if (this.json) {
      for (const item of items) process.stdout.write(`${JSON.stringify(item)}\n`);
      return;
    }
    if (items.length === 0) return this.note(none);
    const rows = [columns.map(([title]) => title), ...items.map((item) => columns.map(([, cell]) => cell(item)))];
    const widths = columns.map((_, i) => Math.max(...rows.map((row) => plainLength(row[i] ?? ''))));
    for (const [n, row] of rows.entries()) {
      const line = row
        .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - plainLength(cell))))
        .join('  ');
      process.stdout.write(`${n === 0 ? this.dim(line) : line}\n`);
    }
  }

  raw(text: string): void {
    this.#clearBar();
    process.stdout.write(text);
  }

  note(text: string): void {
    if (this.#quiet) return;
    this.#clearBar();
    process.stderr.write(`${text}\n`);
  }

  /** `detail`, what was wrong with each field, what to do next, and the request's id for whoever runs the server. */
  error(error: unknown): void {
    this.#clearBar();
    if (this.json && error instanceof MusterError) {
      process.stderr.write(
        `${JSON.stringify({ ...error.extra, code: error.code, reason: error.reason, detail: error.message, errors: error.errors, retryAfterMs: error.retryAfterMs })}\n`,
      );
      return;
    }
    process.stderr.write(`${this.#paint(31, 'error')} ${error instanceof Error ? error.message : String(error)}\n`);
    if (!(error instanceof MusterError)) return;
    for (const { pointer, detail } of error.errors) process.stderr.write(`  ${pointer}: ${detail}\n`);
    const remedy = error.extra['remedy'] ?? remedies[error.reason];
    if (typeof remedy === 'string') process.stderr.write(`  ${remedy}\n`);
    if (typeof error.extra['requestId'] === 'string')
      process.stderr.write(`  ${this.dim(`request ${error.extra['requestId']}`)}\n`);
  }

  /** A moving bar on a terminal; nothing elsewhere. */
  progress(label: string): (done: number, total: number | undefined) => void {
    if (this.#quiet || this.json || !process.stderr.isTTY) return () => undefined;
    const began = performance.now();
    let drawnAt = 0;
    return (done, total) => {
      const now = performance.now();
      if (now - drawnAt < 80 && done !== total) return;
      drawnAt = now;
      const rate = done / Math.max(0.001, (now - began) / 1_000);
      const left = total === undefined || rate === 0 ? '' : ` ${duration(((total - done) / rate) * 1_000)} left`;
      const share = total ? done / total : 0;
      const bar = total
        ? `${'█'.repeat(Math.round(share * 24)).padEnd(24, '░')} ${(share * 100).toFixed(0).padStart(3)} %`
        : '';
      process.stderr.write(`\r\u001b[2K${label} ${bar} ${bytes(done)} ${bytes(rate)}/s${done === total ? '' : left}`);
      this.#barShown = true;
      if (done === total) {
        process.stderr.write('\n');
        this.#barShown = false;
      }
    };
  }

  state(state: string): string {
    const colors: Record<string, number> = {
      succeeded: 32,
      online: 32,
      running: 36,
      assigned: 36,
      busy: 36,
      failed: 31,
      cancelled: 33,
      cancelling: 33,
      draining: 33,
      offline: 90,
      queued: 35,
    };
    return this.#paint(colors[state] ?? 0, state);
  }

  dim(text: string): string {
    return this.#paint(2, text);
  }

  bold(text: string): string {
    return this.#paint(1, text);
  }

  warn(text: string): string {
    return this.#paint(33, text);
  }

  #paint(code: number, text: string): string {
    return this.#color && code > 0 ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  #clearBar(): void {
    if (!this.#barShown) return;
    process.stderr.write('\r\u001b[2K');
    this.#barShown = false;
  }
}

const remedies: Record<string, string> = {
  no_connection: 'Is the server running? Start it with `muster start`, or name it with --server or MUSTER_URL.',
  no_credential: 'Give a key with --key or MUSTER_API_KEY, or keep one with `muster login`.',
  wrong_credential: 'The server does not know this key. `muster login` keeps another one.',
  expired_credential: 'Ask for a new key, or rotate this one.',
  revoked_credential: 'This key was revoked. Ask for a new one.',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
// oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
const paint = /\u001b\[[0-9;]*m/g;
const plainLength = (text: string): number => text.replace(paint, '').length;

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value.toFixed(0) : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function duration(ms: number): string {
  const s = Math.round(ms / 1_000);
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
}

/** `3 min ago`, from an ISO time. */
export const ago = (iso: string | null): string =>
  iso === null ? '–' : `${duration(Math.max(0, Date.now() - Date.parse(iso)))} ago`;
