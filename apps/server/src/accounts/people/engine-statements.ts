import type { CleanedWhere } from '@better-auth/core/db/adapter';
import { internal, never } from '#kernel/base';
import type { Statement } from '#kernel/db';

/*
 * Statements for the sign-in library, which asks for rows by names of its own choosing. Names are looked up in the list below
 * and never become text otherwise; values are parameters. Every condition it uses has an index: the primary keys, people.email,
 * person_credentials (person_id), sign_ins.token_hash, sign_ins (person_id), verifications (identifier).
 */

const tables = {
  people: ['id', 'email', 'email_verified', 'name', 'image', 'created_at', 'updated_at'],
  person_credentials: ['id', 'person_id', 'provider', 'account_id', 'password', 'created_at', 'updated_at'],
  sign_ins: [
    'id',
    'token_hash',
    'person_id',
    'address',
    'user_agent',
    'created_at',
    'updated_at',
    'expires_at',
    'confirmed_at',
  ],
  verifications: ['id', 'identifier', 'value', 'created_at', 'updated_at', 'expires_at'],
} as const;
export type Table = keyof typeof tables;

export function tableOf(model: string): Table {
  const table = Object.keys(tables).find((name): name is Table => name === model);
  if (!table) throw unforeseen(`the table ${JSON.stringify(model)}`);
  return table;
}

function columnOf(table: Table, field: string): string {
  const column = tables[table].find((name) => name === field);
  if (column === undefined) throw unforeseen(`${table}.${JSON.stringify(field)}`);
  return column;
}

const unforeseen = (what: string): Error => internal('internal', `The sign-in library asked for ${what}.`);

type Draft = { text: string; values: unknown[] };
const all = (table: Table): string => tables[table].join(', ');

export function insertOf(table: Table, data: Readonly<Record<string, unknown>>): Statement {
  const given = Object.entries(data).filter(([, value]) => value !== undefined);
  const columns = given.map(([field]) => columnOf(table, field));
  return {
    text: `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')}) returning ${all(table)}`,
    values: given.map(([, value]) => value),
  };
}

type Order = {
  limit?: number | undefined;
  offset?: number | undefined;
  sortBy?: { field: string; direction: 'asc' | 'desc' } | undefined;
};

export function selectOf(table: Table, where: readonly CleanedWhere[] | undefined, order: Order = {}): Statement {
  const draft = { text: `select ${all(table)} from ${table}`, values: [] };
  addWhere(draft, table, where);
  if (order.sortBy)
    draft.text += ` order by ${columnOf(table, order.sortBy.field)} ${order.sortBy.direction === 'desc' ? 'desc' : 'asc'}`;
  addNumber(draft, 'limit', order.limit);
  addNumber(draft, 'offset', order.offset);
  return draft;
}

export function countOf(table: Table, where: readonly CleanedWhere[] | undefined): Statement {
  const draft = { text: `select count(*)::int as n from ${table}`, values: [] };
  addWhere(draft, table, where);
  return draft;
}

export function updateOf(
  table: Table,
  where: readonly CleanedWhere[],
  data: Readonly<Record<string, unknown>>,
): Statement {
  const given = Object.entries(data).filter(([, value]) => value !== undefined);
  const values: unknown[] = [];
  const sets = given.map(([field, value]) => `${columnOf(table, field)} = $${values.push(value)}`);
  const draft = { text: `update ${table} set ${sets.join(', ')}`, values };
  addWhere(draft, table, required(where));
  draft.text += ` returning ${all(table)}`;
  return draft;
}

export function deleteOf(table: Table, where: readonly CleanedWhere[]): Statement {
  const draft = { text: `delete from ${table}`, values: [] };
  addWhere(draft, table, required(where));
  draft.text += ` returning ${all(table)}`;
  return draft;
}

/** A change of everything is nothing the library has a reason for. */
function required(where: readonly CleanedWhere[]): readonly CleanedWhere[] {
  if (where.length === 0) throw unforeseen('a change of every row');
  return where;
}

function addNumber(draft: Draft, word: 'limit' | 'offset', value: number | undefined): void {
  if (value !== undefined) draft.text += ` ${word} $${draft.values.push(Math.trunc(value))}`;
}

/** All that are joined by AND hold, and one of those joined by OR. */
function addWhere(draft: Draft, table: Table, where: readonly CleanedWhere[] = []): void {
  const every = where.filter(({ connector }) => connector !== 'OR').map((one) => condition(draft, table, one));
  const some = where.filter(({ connector }) => connector === 'OR').map((one) => condition(draft, table, one));
  const parts = [...every, ...(some.length > 0 ? [`(${some.join(' or ')})`] : [])];
  if (parts.length > 0) draft.text += ` where ${parts.join(' and ')}`;
}

function condition(draft: Draft, table: Table, { field, operator, value, mode }: CleanedWhere): string {
  const column = columnOf(table, field);
  if (value === null && (operator === 'eq' || operator === 'ne'))
    return `${column} is ${operator === 'eq' ? '' : 'not '}null`;
  const given = `$${draft.values.push(value)}`;
  const [left, right] = mode === 'insensitive' ? [`lower(${column})`, `lower(${given})`] : [column, given];
  switch (operator) {
    case 'eq':
      return `${left} = ${right}`;
    case 'ne':
      return `${left} <> ${right}`;
    case 'lt':
      return `${column} < ${given}`;
    case 'lte':
      return `${column} <= ${given}`;
    case 'gt':
      return `${column} > ${given}`;
    case 'gte':
      return `${column} >= ${given}`;
    case 'in':
      return `${column} = any(${given})`;
    case 'not_in':
      return `${column} <> all(${given})`;
    case 'contains':
    case 'starts_with':
    case 'ends_with':
    case undefined:
      throw unforeseen(`the comparison ${operator}`);
    default:
      return never(operator);
  }
}
