import type { Client } from 'pg';
import { conflict, type MusterError } from '#kernel/base';
import type { Migration } from './files.ts';

/** One row of `muster.migrations`: what ran here. */
export type Applied = { name: string; checksum: string; breaking: string | null; server_version: string };

// Made by the runner itself: it must be there before the first migration can be recorded.
export const prepareHistory = `
  create schema if not exists muster;
  create table if not exists muster.migrations (
    name text primary key,
    checksum text not null,
    breaking text,
    server_version text not null,
    applied_at timestamptz not null default now(),
    took_ms integer not null
  )`;

/** What ran on this database, oldest first; nothing when it is new. Read without changing anything. */
export async function readHistory(client: Client): Promise<Applied[]> {
  const { rows: found } = await client.query<{ there: boolean }>(
    `select to_regclass('muster.migrations') is not null as there`,
  );
  if (!found[0]?.there) return [];
  const { rows } = await client.query<Applied>(
    'select name, checksum, breaking, server_version from muster.migrations order by name',
  );
  return rows;
}

/** What is to be run, and what the database has that this server does not know. */
export type Pending = { pending: Migration[]; unknown: Applied[] };

/**
 * Compares files and history.
 *
 * @throws conflict `migration_changed` naming the file that is not what ran here
 * @throws conflict `schema_newer` when a newer server made a change this one cannot work with
 */
export function compare(migrations: readonly Migration[], history: readonly Applied[]): Pending {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const unknown: Applied[] = [];
  for (const applied of history) {
    const migration = known.get(applied.name);
    if (!migration) unknown.push(applied);
    else if (migration.checksum !== applied.checksum) throw changed(applied);
  }
  const breaking = unknown.find((applied) => applied.breaking !== null);
  if (breaking) throw newer(breaking);
  const ran = new Set(history.map((applied) => applied.name));
  return { pending: migrations.filter((migration) => !ran.has(migration.name)), unknown };
}

function changed(applied: Applied): MusterError {
  return conflict(
    'migration_changed',
    `The migration ${applied.name} is not the one that ran on this database (by version ${applied.server_version}). ` +
      'Migrations never change once they ran: restore the file, and put the change into a new one.',
    { extra: { migration: applied.name } },
  );
}

function newer(applied: Applied): MusterError {
  return conflict(
    'schema_newer',
    `The database was changed by version ${applied.server_version} in a way this version cannot work with ` +
      `(${applied.name}: ${applied.breaking}). Start version ${applied.server_version} or newer, or restore a backup made before.`,
    { extra: { migration: applied.name, versionNeeded: applied.server_version } },
  );
}
