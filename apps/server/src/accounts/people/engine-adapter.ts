import type { CleanedWhere } from '@better-auth/core/db/adapter';
import { createAdapterFactory } from '@better-auth/core/db/adapter';
import type { Db, Row } from '#kernel/db';
import { tokenHash } from './cookie.ts';
import { countOf, deleteOf, insertOf, selectOf, tableOf, updateOf } from './engine-statements.ts';

const hashed = 'token_hash';

/**
 * The sign-in library on our database. It believes that it stores the tokens of sign-ins; the rows get their hashes, and a token
 * comes back only to whoever brought it.
 */
export function adapterOver(db: Db): ReturnType<typeof createAdapterFactory> {
  return createAdapterFactory({
    config: {
      adapterId: 'muster',
      adapterName: 'Muster',
      supportsNumericIds: false,
      supportsJSON: false,
      supportsArrays: true,
      supportsUUIDs: false,
      supportsDates: true,
      supportsBooleans: true,
      transaction: false,
    },
    adapter: () => ({
      create: async <T extends Record<string, unknown>>({ model, data }: { model: string; data: T }) => {
        const statement = insertOf(tableOf(model), sealed(data));
        const [row] = await db.transaction((tx) => tx.query(statement));
        return { ...row, ...(hashed in data ? { [hashed]: data[hashed] } : {}) } as unknown as T; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the library's own type of its row
      },
      findOne: async <T>({ model, where }: { model: string; where: CleanedWhere[] }) => {
        const [row] = await db.query(selectOf(tableOf(model), asked(where), { limit: 1 }));
        return (row ? shown(row, where) : null) as T | null; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as above
      },
      findMany: async <T>({ model, where, limit, offset, sortBy }: Many) => {
        const rows = await db.query(selectOf(tableOf(model), where && asked(where), { limit, offset, sortBy }));
        return rows.map((row) => shown(row, where ?? [])) as T[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as above
      },
      count: async ({ model, where }) => {
        const [row] = await db.query<{ n: number }>(countOf(tableOf(model), where && asked(where)));
        return row?.n ?? 0;
      },
      update: async <T>({ model, where, update }: { model: string; where: CleanedWhere[]; update: T }) => {
        const statement = updateOf(tableOf(model), asked(where), sealed(update as Row)); // oxlint-disable-line typescript/no-unsafe-type-assertion -- columns and values
        const [row] = await db.transaction((tx) => tx.query(statement));
        return (row ? shown(row, where) : null) as T | null; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as above
      },
      updateMany: async ({ model, where, update }) => {
        const statement = updateOf(tableOf(model), asked(where), sealed(update));
        return (await db.transaction((tx) => tx.query(statement))).length;
      },
      delete: async ({ model, where }) => {
        await db.transaction((tx) => tx.query(deleteOf(tableOf(model), asked(where))));
      },
      deleteMany: async ({ model, where }) =>
        (await db.transaction((tx) => tx.query(deleteOf(tableOf(model), asked(where))))).length,
      consumeOne: async <T>({ model, where }: { model: string; where: CleanedWhere[] }) => {
        const [row] = await db.transaction((tx) => tx.query(deleteOf(tableOf(model), asked(where))));
        return (row ? shown(row, where) : null) as T | null; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as above
      },
    }),
  });
}

type Many = {
  model: string;
  where?: CleanedWhere[] | undefined;
  limit: number;
  offset?: number | undefined;
  sortBy?: { field: string; direction: 'asc' | 'desc' } | undefined;
};

const sealed = (data: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const token = data[hashed];
  return typeof token === 'string' ? { ...data, [hashed]: tokenHash(token) } : { ...data };
};

const asked = (where: readonly CleanedWhere[]): CleanedWhere[] =>
  where.map((one) => {
    if (one.field !== hashed) return one;
    const { value } = one;
    if (typeof value === 'string') return { ...one, value: tokenHash(value) };
    return { ...one, value: Array.isArray(value) ? value.map((token) => tokenHash(String(token))) : value };
  });

/** The token stands in a row only where the question held it. */
function shown(row: Row, where: readonly CleanedWhere[]): Row {
  const token = where.find(({ field, operator }) => field === hashed && operator === 'eq')?.value;
  return typeof token === 'string' && hashed in row ? { ...row, [hashed]: token } : row;
}
