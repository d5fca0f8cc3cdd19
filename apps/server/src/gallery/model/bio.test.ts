import { expect, test } from 'vitest';
import { bioOf } from './bio.ts';

test('disclosure.label: every bio ends with what the bot is, whatever comes before', () => {
  expect(bioOf('dry wit', 'automated account')).toBe('dry wit · automated account');
  for (const vibe of [null, '', '  ', 'a person, really'])
    expect(bioOf(vibe, 'run by a program')).toMatch(/(^| · )run by a program$/);
});
