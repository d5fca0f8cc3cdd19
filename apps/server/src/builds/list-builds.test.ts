import { expect, test } from 'vitest';
import { newId } from '#kernel/base';
import { firstIdAt, readFilter } from './list-builds.ts';

test('ids of a millisecond lie between its first id and that of the next', () => {
  const at = 1_800_000_000_000;
  const id = newId('build', at);
  expect(firstIdAt(at) < id).toBe(true);
  expect(id < firstIdAt(at + 1)).toBe(true);
  expect(firstIdAt(0)).toBe(`bld_${'0'.repeat(26)}`);
});

test('filters are read word by word', () => {
  expect(readFilter({ state: 'queued, running', tag: 'team=a=b', platform: 'linux' })).toEqual({
    states: ['queued', 'running'],
    tag: { name: 'team', value: 'a=b' },
    platform: 'linux',
  });
  expect(readFilter({ tag: 'team' }).tag).toEqual({ name: 'team' });
  expect(readFilter({ tag: 'team:web' }).tag).toEqual({ name: 'team', value: 'web' });
});

test.each([
  [{ state: 'done' }, '?state'],
  [{ state: 'queued,' }, '?state'],
  [{ platform: 'windows' }, '?platform'],
  [{ tag: '=x' }, '?tag'],
  [{ since: 'yesterday' }, '?since'],
  [{ until: '20260101' }, '?until'],
  [{ attribution: 'me' }, '?attribution'],
  [{ failure: 'bad luck' }, '?failure'],
])('%j is refused and named', (input, pointer) => {
  expect(() => readFilter(input)).toThrowError(
    expect.objectContaining({ code: 'invalid', errors: [expect.objectContaining({ pointer })] }),
  );
});
