import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { buildLimits, type Platform, platforms } from '@muster/protocol';
import { parse as parseToml, type TomlTable } from 'smol-toml';
import { graceMsDefault } from './build-context.ts';
import type { CommandRunner, Task } from './command-runner.ts';
import { parseDuration } from './duration.ts';

/** The one task of a worker started with `--command`. */
const flagTaskName = 'default';
const taskNamePattern = /^[A-Za-z0-9._-]{1,64}$/;

export type WorkerConfig = {
  url: string;
  token: string | undefined;
  tokenFile: string | undefined;
  /** API key to register with when there is no token yet. */
  join: string | undefined;
  name: string;
  platforms: Platform[];
  labels: Record<string, string>;
  seats: number;
  dir: string;
  once: boolean;
  idleExitMs: number | undefined;
  transport: 'auto' | 'poll';
  logFormat: 'text' | 'json';
  runner: CommandRunner;
};

/** Everything that is wrong, at once: nobody likes to learn it one start at a time. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Flags as commander gives them; absent ones leave the file or the default to decide. */
export type Flags = {
  url?: string;
  token?: string;
  tokenFile?: string;
  join?: string;
  name?: string;
  platform?: string[];
  label?: string[];
  seats?: string;
  dir?: string;
  command?: string;
  artifact?: string[];
  maxRun?: string;
  grace?: string;
  allowBuildCommand?: boolean;
  once?: boolean;
  idleExit?: string;
  transport?: string;
  logFormat?: string;
};

const fileKeys = [
  'url',
  'token',
  'token-file',
  'join',
  'name',
  'platforms',
  'labels',
  'seats',
  'dir',
  'command',
  'artifacts',
  'max-run',
  'grace',
  'allow-build-command',
  'once',
  'idle-exit',
  'transport',
  'log-format',
  'default-task',
  'task',
] as const;
const taskKeys = ['command', 'artifacts', 'max-run', 'grace', 'env'] as const;

/** Flags win over `worker.toml`, which wins over the defaults. Throws `ConfigError` with every problem found. */
export function readConfig(flags: Flags, tomlText: string | undefined, env: NodeJS.ProcessEnv): WorkerConfig {
  const problems: string[] = [];
  const file = new Section('worker.toml', parseFile(tomlText, problems), fileKeys, problems);
  const grace = flags.grace ?? file.text('grace');
  const graceMs = duration('grace', grace, problems) ?? graceMsDefault;
  const maxRunMs = duration('max-run', flags.maxRun ?? file.text('max-run'), problems);
  const artifacts = flags.artifact ?? file.texts('artifacts') ?? [];
  const command = flags.command ?? file.command('command');
  const tasks = readTasks(file, { graceMs, maxRunMs }, problems);
  if (command !== undefined) tasks.set(flagTaskName, { command, artifacts, env: {}, maxRunMs, graceMs });
  const allowBuildCommand = flags.allowBuildCommand ?? file.flag('allow-build-command') ?? false;
  if (tasks.size === 0 && !allowBuildCommand)
    problems.push('nothing to run: give --command, a [task.<name>] in worker.toml, or --allow-build-command');
  const url = flags.url ?? file.text('url') ?? env['MUSTER_URL'];
  if (url === undefined) problems.push('--url is missing: the address of the Muster server');
  else if (!/^https?:\/\/./.test(url))
    problems.push(`--url must begin with http:// or https://, not ${JSON.stringify(url)}`);
  const config: WorkerConfig = {
    url: url ?? '',
    token: flags.token ?? env['MUSTER_WORKER_TOKEN'] ?? file.text('token'),
    tokenFile: flags.tokenFile ?? file.text('token-file'),
    join: flags.join ?? env['MUSTER_JOIN_KEY'] ?? file.text('join'),
    name: flags.name ?? file.text('name') ?? hostname(),
    platforms: readPlatforms(flags.platform ?? file.texts('platforms'), problems),
    labels: { ...file.map('labels'), ...readLabels(flags.label ?? [], problems) },
    seats: readSeats(flags.seats ?? file.number('seats'), problems),
    dir: flags.dir ?? file.text('dir') ?? join(homedir(), '.muster', 'worker'),
    once: flags.once ?? file.flag('once') ?? false,
    idleExitMs: duration('idle-exit', flags.idleExit ?? file.text('idle-exit'), problems),
    transport: oneOf('transport', flags.transport ?? file.text('transport') ?? 'auto', ['auto', 'poll'], problems),
    logFormat: oneOf('log-format', flags.logFormat ?? file.text('log-format') ?? 'text', ['text', 'json'], problems),
    runner: {
      tasks,
      defaultTask: defaultTask(file.text('default-task'), tasks, problems),
      allowBuildCommand,
      fallback: { artifacts, graceMs, maxRunMs },
    },
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readTasks(file: Section, base: Pick<Task, 'graceMs' | 'maxRunMs'>, problems: string[]): Map<string, Task> {
  const tasks = new Map<string, Task>();
  for (const [name, table] of Object.entries(file.table('task'))) {
    const place = `worker.toml [task.${name}]`;
    if (!taskNamePattern.test(name)) problems.push(`${place}: a task name has 1-64 of A-Z a-z 0-9 . _ -`);
    const task = new Section(place, isTable(table) ? table : {}, taskKeys, problems);
    const command = task.command('command');
    if (command === undefined) problems.push(`${place}: command is missing`);
    tasks.set(name, {
      command: command ?? '',
      artifacts: task.texts('artifacts') ?? [],
      env: task.map('env'),
      maxRunMs: duration(`${place} max-run`, task.text('max-run'), problems) ?? base.maxRunMs,
      graceMs: duration(`${place} grace`, task.text('grace'), problems) ?? base.graceMs,
    });
  }
  return tasks;
}

/** Named, or the only one, or the one called `default`. */
function defaultTask(
  named: string | undefined,
  tasks: ReadonlyMap<string, Task>,
  problems: string[],
): string | undefined {
  if (named !== undefined && !tasks.has(named)) problems.push(`worker.toml default-task: there is no [task.${named}]`);
  if (named !== undefined) return named;
  return tasks.size === 1 ? [...tasks.keys()][0] : tasks.has(flagTaskName) ? flagTaskName : undefined;
}

function readPlatforms(wanted: string[] | undefined, problems: string[]): Platform[] {
  const names = wanted?.flatMap((text) => text.split(',')).map((text) => text.trim());
  if (!names || names.length === 0) return [process.platform === 'darwin' ? 'macos' : 'linux'];
  const known = names.filter((name): name is Platform => (platforms as readonly string[]).includes(name));
  for (const name of names)
    if (!known.includes(name as Platform))
      problems.push(`--platform ${JSON.stringify(name)} is none of ${platforms.join(', ')}`);
  return known;
}

function readLabels(pairs: readonly string[], problems: string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) problems.push(`--label ${JSON.stringify(pair)} must be name=value`);
    else labels[pair.slice(0, at)] = pair.slice(at + 1);
  }
  if (Object.keys(labels).length > buildLimits.labelsMax)
    problems.push(`a worker has at most ${buildLimits.labelsMax} labels`);
  return labels;
}

function readSeats(wanted: string | number | undefined, problems: string[]): number {
  const seats = Number(wanted ?? 1);
  if (!Number.isInteger(seats) || seats < 1 || seats > buildLimits.seatsMax)
    problems.push(`--seats must be a whole number from 1 to ${buildLimits.seatsMax}, not ${String(wanted)}`);
  return seats;
}

function duration(name: string, text: string | undefined, problems: string[]): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined)
    problems.push(`${name}: ${JSON.stringify(text)} is not a duration such as 1500ms, 10s, 30m or 2h`);
  return ms;
}

function oneOf<const T extends string>(name: string, text: string, allowed: readonly T[], problems: string[]): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) problems.push(`${name}: ${JSON.stringify(text)} is none of ${allowed.join(', ')}`);
  return found ?? (allowed[0] as T);
}

function parseFile(text: string | undefined, problems: string[]): TomlTable {
  try {
    return text === undefined ? {} : parseToml(text);
  } catch (error) {
    problems.push(`worker.toml: ${error instanceof Error ? error.message : String(error)}`);
    return {};
  }
}

const isTable = (value: unknown): value is TomlTable =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** A table whose keys and types are checked while it is read; unknown keys are named with the nearest known one. */
class Section {
  readonly #place: string;
  readonly #table: TomlTable;
  readonly #problems: string[];

  constructor(place: string, table: TomlTable, known: readonly string[], problems: string[]) {
    this.#place = place;
    this.#table = table;
    this.#problems = problems;
    for (const key of Object.keys(table)) {
      if (known.includes(key)) continue;
      const near = known.find((name) => distance(name, key.replaceAll('_', '-')) <= 2);
      problems.push(
        `${place}: unknown key ${JSON.stringify(key)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
  }

  text(key: string): string | undefined {
    const value = this.#table[key];
    return typeof value === 'string' || value === undefined ? value : this.#wrong(key, 'a text');
  }

  flag(key: string): boolean | undefined {
    const value = this.#table[key];
    return typeof value === 'boolean' || value === undefined ? value : this.#wrong(key, 'true or false');
  }

  number(key: string): number | undefined {
    const value = this.#table[key];
    return typeof value === 'number' || value === undefined ? value : this.#wrong(key, 'a number');
  }

  texts(key: string): string[] | undefined {
    const value = this.#table[key];
    if (value === undefined) return undefined;
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value
      : this.#wrong(key, 'a list of texts');
  }

  command(key: string): string | string[] | undefined {
    const value = this.#table[key];
    return typeof value === 'string' ? value : this.texts(key);
  }

  map(key: string): Record<string, string> {
    const value = this.#table[key];
    if (value === undefined) return {};
    if (isTable(value) && Object.values(value).every((item) => typeof item === 'string'))
      return value as Record<string, string>;
    this.#wrong(key, 'a table of texts');
    return {};
  }

  table(key: string): TomlTable {
    const value = this.#table[key];
    if (value === undefined) return {};
    if (isTable(value)) return value;
    this.#wrong(key, 'a table');
    return {};
  }

  #wrong(key: string, wanted: string): undefined {
    this.#problems.push(`${this.#place}: ${key} must be ${wanted}`);
    return undefined;
  }
}

/** Levenshtein, for short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
