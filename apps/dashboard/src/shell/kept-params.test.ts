import { expect, it } from 'vitest';
import { changeKept, withKept } from './kept-params.ts';

it('carries project and zone along, and nothing else', () => {
  expect(withKept('/builds', '?project=prj_a&zone=utc&state=queued')).toBe('/builds?project=prj_a&zone=utc');
  expect(withKept('/builds/x?tab=log#L10', '?zone=utc')).toBe('/builds/x?tab=log&zone=utc#L10');
  expect(withKept('/builds?project=prj_b', '?project=prj_a')).toBe('/builds?project=prj_b');
  expect(withKept('/builds#L1', '?state=queued')).toBe('/builds#L1');
});

it('changes one of them and leaves the rest', () => {
  expect(changeKept('?state=queued', 'zone', 'utc')).toBe('?state=queued&zone=utc');
  expect(changeKept('?zone=utc', 'zone', undefined)).toBe('');
});
