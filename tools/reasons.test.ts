import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { failureOf } from '../apps/server/src/builds/failures.ts';
import { type FailureCode, failureCodes, waitingReasons } from '../packages/protocol/src/builds/reasons.ts';
import { galleryFailures, galleryWaitingReasons } from '../packages/protocol/src/gallery/reasons.ts';
import { readReasons } from './reasons.ts';
import { root } from './tidy/graph.ts';

const page = await readFile(`${root}/docs/operate/troubleshooting.md`, 'utf8');

/** Words of a heading → what stands below it. */
const sections = page
  .split(/^(?=#{2,3} )/m)
  .filter((part) => part.startsWith('### '))
  .map((part) => {
    const [heading = '', ...rest] = part.split('\n');
    return { words: [...heading.matchAll(/`([a-z_]+)`/g)].map(([, word = '']) => word), text: rest.join('\n').trim() };
  });
const told = sections.flatMap(({ words }) => words);

test('every reason in the source has a section', () => {
  const reasons = readReasons();
  // A reader that finds nothing misses nothing.
  expect(reasons.size).toBeGreaterThan(200);
  const missing = [...reasons.values()].filter(({ word }) => !told.includes(word));
  expect(
    missing.map(({ word, where, details }) => `${word}  ${[...where].join(' ')}  ${[...details].join(' | ')}`),
  ).toEqual([]);
});

test('every section is about a reason that exists, once', () => {
  const reasons = readReasons();
  expect(told.filter((word) => !reasons.has(word))).toEqual([]);
  expect(told.filter((word, at) => told.indexOf(word) !== at)).toEqual([]);
});

test('every section says what it means and what to do', () => {
  const thin = sections.filter(({ text }) => !/^\S[^]{15,}\n\*\*Do:\*\* \S/.test(text));
  expect(thin.map(({ words }) => words.join(' '))).toEqual([]);
});

const alone = [
  waitingReasons,
  Object.keys(failureCodes),
  Object.keys(galleryWaitingReasons),
  Object.keys(galleryFailures),
].flat();
test.each([...new Set(alone)])('%s stands alone, so that links lead to it', (word) => {
  expect(sections.filter(({ words }) => words.join() === word)).toHaveLength(1);
});

test.each(Object.keys(failureCodes) as FailureCode[])(
  '%s: link and remedy of the failure are those of the page',
  (code) => {
    const { docsUrl, remedy } = failureOf(code, 'as it came');
    expect(docsUrl).toBe(`/docs/operate/troubleshooting#${code}`);
    const text = sections.find(({ words }) => words[0] === code)?.text.replaceAll(/\s+/g, ' ') ?? '';
    expect(text).toContain(remedy);
  },
);
