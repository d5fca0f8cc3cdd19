import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';
import { parseProgress } from './progress-line.ts';

test.each([
  ['::progress 40 compiling', { progress: 40, phase: 'compiling' }],
  ['::progress 99.5', { progress: 99.5 }],
  ['::progress 7% linking the app \r', { progress: 7, phase: 'linking the app' }],
  [`::progress 1 ${'x'.repeat(80)}`, { progress: 1, phase: 'x'.repeat(64) }],
  ['::progress 101', undefined],
  ['::progress', undefined],
  [' ::progress 1', undefined],
  ['::progress -1', undefined],
])('%s', (line, note) => expect(parseProgress(line)).toEqual(note));

test.each([
  ['1500ms', 1_500],
  ['10s', 10_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['10', undefined],
  ['-1s', undefined],
  ['10 s', undefined],
])('%s', (text, ms) => expect(parseDuration(text)).toBe(ms));
