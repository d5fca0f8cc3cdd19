import type { Client } from 'pg';
import { readMigrations } from './files.ts';
import { compare, readHistory } from './history.ts';
import { type MigrateOptions, openSession } from './migrate.ts';
import { splitStatements } from './split.ts';

/** What one statement will do to those who use the database meanwhile. */
export type PlannedStatement = {
  text: string;
  line: number;
  /** The table lock Postgres takes, in its own words; null when it locks no existing table. */
  lock: string | null;
  table: string | null;
  /** Rows of that table, by the planner's estimate. */
  rows: number | null;
  /** About how long, in a word and where it depends on size with a number. */
  expected: string;
};

export type PlannedMigration = { name: string; breaking: string | null; statements: PlannedStatement[] };

/** A table scan or index build reads about this much per second on modest disks. */
const bytesPerSecond = 50 * 1024 ** 2;

type Kind = { pattern: RegExp; lock: string | null; reads: boolean };

// The first that matches counts. `reads`: the time grows with the table.
const kinds: readonly Kind[] = [
  { pattern: /^create\s+(unique\s+)?index\s+concurrently/i, lock: 'share update exclusive', reads: true },
  { pattern: /^create\s+(unique\s+)?index/i, lock: 'share', reads: true },
  { pattern: /^alter\s+table[\s\S]*\bvalidate\s+constraint/i, lock: 'share update exclusive', reads: true },
  { pattern: /^alter\s+table[\s\S]*\bset\s*\(/i, lock: 'share update exclusive', reads: false },
  { pattern: /^alter\s+table[\s\S]*\bnot\s+valid/i, lock: 'share row exclusive', reads: false },
  {
    pattern: /^alter\s+table[\s\S]*\b(set\s+not\s+null|add\s+(constraint|check|unique|primary|foreign)|\btype\b)/i,
    lock: 'access exclusive',
    reads: true,
  },
  { pattern: /^(alter|drop|truncate)\s+(table|index|view|materialized)/i, lock: 'access exclusive', reads: false },
  { pattern: /^create\s+trigger/i, lock: 'share row exclusive', reads: false },
  { pattern: /^(update|delete|merge)\b/i, lock: 'row exclusive', reads: true },
  { pattern: /^insert\b/i, lock: 'row exclusive', reads: false },
];

const name = String.raw`(?:only\s+)?(?:if\s+(?:not\s+)?exists\s+)?"?((?:[a-z_][\w]*\.)?[a-z_][\w]*)`;
const tablePatterns = [
  new RegExp(String.raw`^create\s+(?:unique\s+)?index[\s\S]*?\son\s+${name}`, 'i'),
  new RegExp(String.raw`^create\s+trigger[\s\S]*?\son\s+${name}`, 'i'),
  new RegExp(String.raw`^(?:alter|drop|truncate)\s+table\s+${name}`, 'i'),
  new RegExp(String.raw`^(?:update|insert\s+into|delete\s+from|merge\s+into)\s+${name}`, 'i'),
];

/**
 * What `migrate` would run, with locks and times, found without changing anything (`npm run migrate -- --plan`).
 *
 * @throws conflict `migration_changed`, `schema_newer`
 */
export async function planMigrations(options: MigrateOptions): Promise<PlannedMigration[]> {
  const migrations = await readMigrations(options.folder);
  await using session = await openSession(options);
  const { pending } = compare(migrations, await readHistory(session.client));
  const plan: PlannedMigration[] = [];
  for (const migration of pending) {
    const statements: PlannedStatement[] = [];
    for (const piece of splitStatements(migration.text)) {
      statements.push({ ...piece, ...(await expect(session.client, piece.text)) });
    }
    plan.push({ name: migration.name, breaking: migration.breaking ?? null, statements });
  }
  return plan;
}

async function expect(client: Client, text: string): Promise<Omit<PlannedStatement, 'text' | 'line'>> {
  const kind = kinds.find(({ pattern }) => pattern.test(text));
  const table = tablePatterns.map((pattern) => pattern.exec(text)?.[1]).find((found) => found !== undefined) ?? null;
  if (!kind) return { lock: null, table, rows: null, expected: 'at once' };
  const size = table === null ? undefined : await sizeOf(client, table);
  // A table that these migrations only make has nobody waiting for it.
  if (!size) return { lock: null, table, rows: null, expected: 'at once' };
  const seconds = Math.ceil(size.bytes / bytesPerSecond);
  const expected = kind.reads && seconds > 1 ? `about ${seconds} s` : 'at once';
  return { lock: kind.lock, table, rows: size.rows, expected };
}

async function sizeOf(client: Client, table: string): Promise<{ bytes: number; rows: number } | undefined> {
  const { rows } = await client.query<{ bytes: string; rows: number }>(
    `select pg_total_relation_size(oid)::text as bytes, greatest(reltuples, 0)::float8 as rows
       from pg_class where oid = to_regclass($1)`,
    [table],
  );
  const [found] = rows;
  return found && { bytes: Number(found.bytes), rows: found.rows };
}

/** The plan as text for a terminal. */
export function describePlan(plan: readonly PlannedMigration[]): string {
  if (plan.length === 0) return 'Nothing to do: the database has every migration of this version.\n';
  const lines = plan.flatMap(({ name, breaking, statements }) => [
    `${name}${breaking === null ? '' : `  BREAKING: ${breaking} (older servers must be stopped first)`}`,
    ...statements.map(({ text, line, lock, table, rows, expected }) => {
      const first = text.split('\n')[0] ?? '';
      const on = lock === null ? 'no lock on a table in use' : `${lock} lock on ${table} (about ${rows} rows)`;
      return `  ${String(line).padStart(4)}  ${first.length > 100 ? `${first.slice(0, 99)}…` : first}\n        ${on}, ${expected}`;
    }),
  ]);
  return `${lines.join('\n')}\n`;
}
