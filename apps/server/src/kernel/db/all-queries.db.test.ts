import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { allQueries } from '#test/all-queries';
import { testDatabase } from '#test/database';
import { createDb } from './pool/pool-db.ts';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

test('Postgres can prepare every statement of the server against the migrated schema', async () => {
  const queries = await allQueries(fileURLToPath(new URL('../../', import.meta.url)));
  const problems: string[] = [];
  await using db = createDb({ ...database.options, poolMax: 1 });
  for (const { file, line, variants } of queries) {
    for (const variant of variants) {
      const failed = await prepare(db, variant);
      if (failed) problems.push(`${file}:${line} ${failed}\n${variant}`);
    }
  }
  expect(problems.join('\n\n')).toBe('');
  expect(queries.length, 'far fewer statements than the server has; did the search break?').toBeGreaterThan(5);
});

async function prepare(db: ReturnType<typeof createDb>, text: string): Promise<string | undefined> {
  try {
    await db.query({ text: `prepare q as ${text}`, values: [] });
    await db.query({ text: 'deallocate q', values: [] });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('statements are found with their parts, every side of a conditional once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-queries-'));
  try {
    await writeFile(
      join(folder, 'parts.ts'),
      'export const columns = sql`id, name`;\nexport const of = (id: string) => sql`where id = ${id}`;',
    );
    await writeFile(
      join(folder, 'queries.ts'),
      `import { columns, of } from './parts.ts';
       const order = (up: boolean): Statement => (up ? sql\`asc\` : sql\`desc\`);
       export const one = (tx: Tx, id: string, columnsOf: string) => tx.query(sql\`
         -- one: things_pkey
         select \${columns} from things \${of(id)} and n = \${columnsOf} order by n \${order(true)}\`);
       await tx.query(sql\`set local lock_timeout = 1\`);`,
    );
    const found = await allQueries(folder);
    expect(found.map(({ file, line }) => `${file}:${line}`)).toEqual(['queries.ts:3']);
    expect(found[0]?.variants.map((text) => text.replaceAll(/\s+/g, ' ').trim())).toEqual([
      '-- one: things_pkey select id, name from things where id = $1 and n = $2 order by n asc',
      '-- one: things_pkey select id, name from things where id = $1 and n = $2 order by n desc',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a wrong column is a problem', async () => {
  expect(await prepare(database.db, 'select nonsense from projects')).toContain('nonsense');
});
