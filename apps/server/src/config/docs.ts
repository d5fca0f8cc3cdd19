import { flagOf } from './flags.ts';
import { type AnySetting, allSettings, type Group, groups } from './schema.ts';

const titles: Record<Group, string> = {
  base: 'Base',
  database: 'Database',
  log: 'Write-ahead log',
  blobs: 'Stored files',
  edge: 'Edge: proxy, TLS, origins, metrics',
  limits: 'Limits of the edge',
  retention: 'Retention',
  usage: 'Usage and prices',
  builds: 'Builds',
  streams: 'Streams',
  gallery: 'Gallery',
  minds: 'Minds',
};

const settingsOf = (group: Group): AnySetting[] =>
  allSettings.filter(({ setting }) => setting.group === group).map(({ setting }) => setting);
export const shown = (setting: AnySetting, value: unknown): string =>
  value === undefined ? '' : setting.kind.show(value);

/** Every setting as a comment with its default: copy to `.env` and uncomment what you change. */
export function envExample(): string {
  const lines = [
    '# Settings of Muster, with their defaults where they have one. Copy to .env and uncomment what you change.',
    '# Made by tools/generate-config.ts from apps/server/src/config/schema.ts.',
    '# Each may also be given as a file: MUSTER_SECRET_FILE=/run/secrets/muster.',
  ];
  for (const group of groups) {
    lines.push('', `# --- ${titles[group]} ---`);
    for (const setting of settingsOf(group)) {
      lines.push(
        '',
        `# ${setting.says}`,
        `# It takes ${setting.kind.allowed}.${setting.default === undefined ? ' Not set by default.' : ''}`,
        `#${setting.name}=${shown(setting, setting.default) || (setting.secret ? '' : (setting.example ?? ''))}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

export function configPage(): string {
  const lines = [
    '# Configuration',
    '',
    'Made by `tools/generate-config.ts` from `apps/server/src/config/schema.ts`.',
    '',
    'Sources, strongest first: flag, environment, file named by `<NAME>_FILE`, `.env` in the working folder, default.',
    'An unknown `MUSTER_…` name is refused with the nearest known one. All problems are reported at once, with exit code 2.',
    'Durations take `30s`, `1500ms`, `2h`; sizes take `64MiB`, `1GB`.',
    '`node apps/server/src/main.ts config check` reads everything and says what is wrong; `config print --origin` shows each value and where it came from.',
  ];
  for (const group of groups) {
    lines.push('', `## ${titles[group]}`, '', '| setting | default | takes | what it does |', '|---|---|---|---|');
    for (const setting of settingsOf(group)) lines.push(row(setting));
  }
  lines.push(
    '',
    '## Names of replaced systems',
    '',
    'They are read when ours is not set, and named once at start.',
    '',
    '| name | of | ours |',
    '|---|---|---|',
  );
  for (const { setting } of allSettings)
    for (const old of setting.legacy ?? []) lines.push(`| \`${old.name}\` | ${old.of} | \`${setting.name}\` |`);
  return `${lines.join('\n')}\n`;
}

function row(setting: AnySetting): string {
  const value = shown(setting, setting.default);
  const more = [
    setting.secret ? 'Secret, so no flag.' : `Flag \`${flagOf(setting.name)}\`.`,
    ...(setting.aliases ?? []).map((alias) => `Also \`${alias}\`.`),
    setting.example && !setting.secret ? `Example: \`${setting.example}\`.` : '',
  ];
  return `| \`${setting.name}\` | ${value === '' ? '–' : `\`${cell(value)}\``} | ${cell(setting.kind.allowed)} | ${cell(setting.says)} ${cell(more.filter((part) => part !== '').join(' '))} |`;
}
