import { buildLimits } from '@muster/protocol';
import { expect, test } from 'vitest';
import { decodeRecord, encodeLines, type NewLine, type Repair } from './log-lines.ts';

const place = { attempt: 2, first: 7, at: '2026-01-01T00:00:00.000Z' };
const line = (text: string): NewLine => ({ level: 'info', source: 'stdout', text });
const encode = (lines: NewLine[]) => {
  const repairs: Repair[] = [];
  const records = encodeLines(lines, place, (what) => repairs.push(what)).map(decodeRecord);
  return { records, repairs };
};

test('numbers lines within their attempt', () => {
  const { records, repairs } = encode([line('a'), { ...line('b'), clientAt: 'noon', level: 'warn', source: 'vm' }]);
  expect(records).toEqual([
    { at: place.at, attempt: 2, line: 7, level: 'info', source: 'stdout', text: 'a' },
    { at: place.at, attempt: 2, line: 8, level: 'warn', source: 'vm', text: 'b', clientAt: 'noon' },
  ]);
  expect(repairs).toEqual([]);
});

test('removes NUL, replaces half a surrogate pair, and says so', () => {
  const { records, repairs } = encode([line('a\0b'), line('x\ud800y')]);
  expect(records.map((record) => record.text)).toEqual(['ab', 'x\ufffdy']);
  expect(repairs).toEqual(['nul', 'utf8']);
});

test('cuts a line over 64 KiB between characters; the parts share its number', () => {
  // Three bytes each, so that 64 KiB falls inside a character.
  const text = '€'.repeat(50_000);
  const { records, repairs } = encode([line(text), line('next')]);
  expect(records.map(({ line, cont }) => [line, cont])).toEqual([
    [7, undefined],
    [7, true],
    [7, true],
    [8, undefined],
  ]);
  const parts = records.filter((record) => record.line === 7);
  expect(parts.map((part) => part.text).join('')).toBe(text);
  for (const part of parts) expect(Buffer.byteLength(part.text)).toBeLessThanOrEqual(buildLimits.logLineBytesMax);
  expect(repairs).toEqual(['cut']);
});

test('a line of exactly 64 KiB stays whole', () => {
  const { records } = encode([line('x'.repeat(buildLimits.logLineBytesMax))]);
  expect(records).toHaveLength(1);
});
