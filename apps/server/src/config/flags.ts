import { nearest } from '#kernel/base';
import { allSettings } from './schema.ts';

/** Shorter or older spellings. */
const short: Readonly<Record<string, string>> = { '--data': 'MUSTER_DATA_DIR' };

/** `--data-dir` for `MUSTER_DATA_DIR`, `--database-url` for `DATABASE_URL`. Secrets have no flag: a process list shows it. */
export const flagOf = (name: string): string =>
  `--${name
    .replace(/^MUSTER_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`;

const settingOf = new Map(
  allSettings.filter(({ setting }) => !setting.secret).map(({ setting }) => [flagOf(setting.name), setting] as const),
);

export type CommandLine = {
  command: readonly string[];
  flags: ReadonlyMap<string, string>;
  switches: ReadonlySet<string>;
  problems: readonly string[];
};

/** Words first, then flags: `config print --origin --port 5000`. `switches` are the flags of a command, without a value. */
export function readCommandLine(
  args: readonly string[],
  commands: readonly string[],
  switches: readonly string[],
): CommandLine {
  const command: string[] = [];
  const flags = new Map<string, string>();
  const on = new Set<string>();
  const problems: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (!arg.startsWith('-')) {
      command.push(arg);
      continue;
    }
    const [flag, inline] = splitOnce(arg);
    if (switches.includes(flag) && inline === undefined) {
      on.add(flag);
      continue;
    }
    const setting = short[flag] ?? settingOf.get(flag)?.name;
    if (setting === undefined) {
      const near = nearest(flag, [...settingOf.keys(), ...Object.keys(short), ...switches]);
      problems.push(`unknown flag ${flag}${near ? `; did you mean ${near}?` : ''}`);
      if (inline === undefined && rest[0]?.startsWith('-') === false) rest.shift();
      continue;
    }
    const isSwitch = settingOf.get(flag)?.kind.type === 'switch';
    const value = inline ?? (isSwitch && (rest[0] === undefined || rest[0].startsWith('-')) ? 'true' : rest.shift());
    if (value === undefined) problems.push(`${flag} needs a value`);
    else flags.set(setting, value);
  }
  const [first] = command;
  if (first !== undefined && !commands.includes(first))
    problems.push(`unknown command ${first}; known: ${commands.join(', ')}`);
  return { command, flags, switches: on, problems };
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.indexOf('=');
  return at === -1 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}
