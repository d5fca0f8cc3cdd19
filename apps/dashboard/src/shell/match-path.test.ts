import { expect, it } from 'vitest';
import { matcherOf } from './match-path.ts';

const match = matcherOf(
  ['/builds/:id', '/', '/builds', '/streams/*', '/builds/new', '/builds/workers/:id', '/streams'].map((path) => ({
    path,
  })),
);
const found = (path: string) => {
  const { route, params } = match(path) ?? {};
  return [route?.path, params];
};

it('takes the most exact route', () => {
  expect(found('/')).toEqual(['/', {}]);
  expect(found('/builds')).toEqual(['/builds', {}]);
  expect(found('/builds/')).toEqual(['/builds', {}]);
  expect(found('/builds/new')).toEqual(['/builds/new', {}]);
  expect(found('/builds/bld_1')).toEqual(['/builds/:id', { id: 'bld_1' }]);
  expect(found('/builds/workers/w%2F1')).toEqual(['/builds/workers/:id', { id: 'w/1' }]);
  expect(found('/streams')).toEqual(['/streams', {}]);
  expect(found('/streams/a/b%20c')).toEqual(['/streams/*', { '*': 'a/b c' }]);
});

it('leads nowhere for what nobody declared or wrote rightly', () => {
  for (const path of ['/build', '/builds/a/b', '/builds/%E0', '/streams/a/%E0', '/builds//x'])
    expect(match(path), path).toBeUndefined();
});
