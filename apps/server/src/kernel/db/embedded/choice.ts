import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writeWhole } from './files.ts';
import { refusal } from './refusal.ts';

/** Which database a data folder works with; recorded by the first start. */
export type DatabaseChoice = { kind: 'embedded' | 'external'; where: string };

const fileName = 'database.json';

/** What was recorded; `undefined`: no server has been here. */
export async function readChoice(dataDir: string): Promise<DatabaseChoice | undefined> {
  const text = await readIfThere(join(dataDir, fileName));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as DatabaseChoice;
  } catch {
    throw refusal(
      'database_choice_changed',
      `${join(dataDir, fileName)} cannot be read, so it is not known which database belongs to this folder.`,
      'Restore it from a backup, or remove it if you are sure which one DATABASE_URL should name.',
    );
  }
}

/**
 * Refuses to start with another kind of database than before: all would look empty.
 *
 * @throws unavailable `database_choice_changed`
 */
export async function keepChoice(dataDir: string, kind: DatabaseChoice['kind']): Promise<DatabaseChoice | undefined> {
  const recorded = await readChoice(dataDir);
  if (!recorded || recorded.kind === kind) return recorded;
  const file = join(dataDir, fileName);
  throw recorded.kind === 'external'
    ? refusal(
        'database_choice_changed',
        `This data folder works with the database ${recorded.where}, and DATABASE_URL is not set now.`,
        `Set it again; only to start empty with the embedded database, remove ${file}.`,
      )
    : refusal(
        'database_choice_changed',
        `This data folder works with its embedded database in ${recorded.where}, and DATABASE_URL names another.`,
        `Unset DATABASE_URL; no command moves the data over yet; only to start with what is there, remove ${file}.`,
      );
}

export async function recordChoice(dataDir: string, choice: DatabaseChoice): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const text = `${JSON.stringify(choice)}\n`;
  if ((await readIfThere(join(dataDir, fileName))) !== text) await writeWhole(join(dataDir, fileName), text, 0o644);
}
