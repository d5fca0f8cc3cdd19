import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One `NNNN_name.sql`. Immutable once released: a change would not reach databases that ran it. */
export type Migration = {
  /** The file's name without folder, such as `0001_projects.sql`; the numbers give the order. */
  name: string;
  number: number;
  text: string;
  checksum: string;
  /** Why an older server cannot work beside it; from the first line `-- breaking: why`. */
  breaking: string | undefined;
};

const namePattern = /^(\d{4})_[a-z0-9_]+\.sql$/;
export const migrationsFolder = fileURLToPath(new URL('../../../../migrations', import.meta.url));

/** Reads every migration of `folder` in order. A file that is not named like one, or a number used twice, is our bug. */
export async function readMigrations(folder: string = migrationsFolder): Promise<Migration[]> {
  const names = (await readdir(folder))
    .filter((name) => name.endsWith('.sql') && name !== 'schema.snapshot.sql')
    .sort();
  const migrations = await Promise.all(names.map((name) => readMigration(folder, name)));
  for (const [i, migration] of migrations.entries()) {
    const before = migrations[i - 1];
    if (before?.number === migration.number)
      throw new Error(`${before.name} and ${migration.name} have the same number`);
  }
  return migrations;
}

async function readMigration(folder: string, name: string): Promise<Migration> {
  const number = namePattern.exec(name)?.[1];
  if (number === undefined) throw new Error(`${name} is not named like a migration (NNNN_name.sql, small letters)`);
  // Git may have changed the line ends on the way; that is no change of the migration.
  const text = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
  const breaking = /^--\s*breaking:\s*(.+)/.exec(text)?.[1]?.trim();
  return { name, number: Number(number), text, checksum: checksumOf(text), breaking };
}

const checksumOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Changes whenever any migration does; names template databases and the schema an answer was made for. */
export const migrationsKey = (migrations: readonly Migration[]): string =>
  checksumOf(migrations.map(({ name, checksum }) => `${name} ${checksum}\n`).join('')).slice(0, 16);
