import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Described, describeServer, type LimitFact } from './describe-server.ts';
import { root } from './tidy/graph.ts';

/** The pages made from what a running server says of itself, by path from the root of the repository. */
export const reference = ({ metrics, limits }: Described): Readonly<Record<string, string>> => ({
  'docs/operate/limits.md': limitsPage(limits),
  'docs/operate/metrics.md': metricsPage(metrics),
});

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);
const areaOf = (name: string): string => name.replace(/^muster_/, '').split(/[._]/)[0] ?? '';

/** In the order of the first of each. */
function byArea<T extends { name: string }>(items: readonly T[]): [string, T[]][] {
  const areas = new Map<string, T[]>();
  for (const item of items.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const area = areaOf(item.name);
    areas.set(area, [...(areas.get(area) ?? []), item]);
  }
  return [...areas];
}

function limitsPage(limits: readonly LimitFact[]): string {
  const lines = [
    '# Limits',
    '',
    'Made by `tools/generate-reference.ts` from what a server with default settings answers at `GET /v1/limits`.',
    '',
    'Every queue, buffer, body and list has a bound. At the bound you get a clear refusal, never a silent loss. A refusal that will',
    'pass says when to come back (`Retry-After`, `retryAfterMs`). `muster limits` shows the same list with the present and the highest',
    'use of your server; `muster doctor` warns above 80 %. A limit with a setting can be moved, see [settings](config.md).',
  ];
  for (const [area, items] of byArea(limits)) {
    lines.push('', `## ${area}`, '', '| limit | default | setting | at the limit |', '|---|---|---|---|');
    for (const { name, unit, value, setting, whenFull } of items)
      lines.push(`| \`${name}\` | ${amount(value, unit)} | ${setting ? `\`${setting}\`` : '–'} | ${cell(whenFull)} |`);
  }
  return `${lines.join('\n')}\n`;
}

function amount(value: number, unit: string): string {
  if (unit === 'bytes') return sized(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
  if (unit === 'ms') return spanned(value);
  const count = value.toLocaleString('en').replaceAll(',', ' ');
  return unit === 'perSecond' ? `${count} / s` : count;
}

function sized(value: number, step: number, units: readonly string[]): string {
  let at = 0;
  let rest = value;
  while (rest >= step && rest % step === 0 && at < units.length - 1) {
    rest /= step;
    at++;
  }
  return `${rest} ${units[at]}`;
}

function spanned(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size} ${unit}`;
  return `${ms} ms`;
}

function metricsPage(metrics: Described['metrics']): string {
  const lines = [
    '# Metrics',
    '',
    'Made by `tools/generate-reference.ts` from what a running server declares.',
    '',
    '`GET /metrics` answers in the Prometheus text form. Who may read it is `MUSTER_METRICS`: this machine by default, everybody with',
    '`open`, only the bearer of `MUSTER_METRICS_TOKEN` with `token`. `MUSTER_METRICS_PORT` adds a port for metrics and health alone.',
    'Labels are closed sets or have a bound; what lies outside counts as `other`. No label carries an id.',
    '',
    'Worth an alert: `muster_builds_impossible_total`, `muster_builds_blob_corrupt_total`, `muster_builds_outbox_dropped_total` and',
    '`muster_log_flush_mismatch_total`, `muster_log_fsync_failstop_total`, `muster_log_quarantined_files` above 0; `muster_builds_oldest_wait_seconds` over 15 min where `muster_builds_workers_matching`',
    'is above 0; `muster_log_flush_lag_seconds` over 30; `muster_disk_free_bytes` under a tenth of the disk;',
    '`muster_builds_requeued_total` rising; any 5xx share over 1 %.',
  ];
  for (const [area, items] of byArea(metrics)) {
    lines.push('', `## ${area}`, '', '| metric | kind | labels | what it counts |', '|---|---|---|---|');
    for (const { name, kind, labels, help } of items)
      lines.push(`| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${cell(help)} |`);
  }
  return `${lines.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of Object.entries(reference(await describeServer()))) {
    const path = join(root, file);
    if ((await readFile(path, 'utf8').catch(() => undefined)) === text) continue;
    await writeFile(path, text);
    console.log(`wrote ${file}`);
  }
}
