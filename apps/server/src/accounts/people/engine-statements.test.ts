import type { CleanedWhere } from '@better-auth/core/db/adapter';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOf, deleteOf, insertOf, selectOf, tableOf, updateOf } from './engine-statements.ts';

const where = (field: string, value: CleanedWhere['value'], more: Partial<CleanedWhere> = {}): CleanedWhere => ({
  field,
  value,
  operator: 'eq',
  connector: 'AND',
  mode: 'sensitive',
  ...more,
});

test('values are parameters, in order', () => {
  expect(
    selectOf('people', [where('email', 'a@example.com'), where('name', null, { operator: 'ne' })], { limit: 1 }),
  ).toEqual({
    text: 'select id, email, email_verified, name, image, created_at, updated_at from people where email = $1 and name is not null limit $2',
    values: ['a@example.com', 1],
  });
  expect(updateOf('verifications', [where('id', 'x')], { value: 'v' })).toEqual({
    text: 'update verifications set value = $1 where id = $2 returning id, identifier, value, created_at, updated_at, expires_at',
    values: ['v', 'x'],
  });
  expect(deleteOf('sign_ins', [where('token_hash', ['a', 'b'], { operator: 'in' })]).text).toContain(
    'where token_hash = any($1)',
  );
  expect(
    countOf('people', [
      where('id', 'a', { connector: 'OR' }),
      where('id', 'b', { connector: 'OR' }),
      where('name', 'n'),
    ]).text,
  ).toBe('select count(*)::int as n from people where name = $1 and (id = $2 or id = $3)');
});

test('only known names become text, whatever is asked', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, value) => {
      for (const build of [
        () => selectOf('people', [where(name, value)]),
        () => insertOf('people', { [name]: value }),
        () => updateOf('people', [where('id', 'x')], { [name]: value }),
        () => selectOf(tableOf(name), []),
      ]) {
        try {
          expect(build().text).toMatch(/^[a-z_0-9 ,().$=*:]+$/);
        } catch (error) {
          expect(error).toMatchObject({ reason: 'internal' });
        }
      }
    }),
  );
});

test('a change of every row is refused', () => {
  expect(() => deleteOf('people', [])).toThrow('every row');
  expect(() => updateOf('people', [], { name: 'x' })).toThrow('every row');
});
