import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

function linesOf(chunks: readonly (string | Buffer)[], bytesMax?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((text) => lines.push(text), bytesMax);
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test('lines end with \\n or \\r\\n, the last one also without', () => {
  expect(linesOf(['one\ntwo\r\n\nthr', 'ee'])).toEqual(['one', 'two', '', 'three']);
  expect(linesOf(['one\n'])).toEqual(['one']);
});

test('a character cut between chunks stays whole, broken bytes become U+FFFD', () => {
  const euro = Buffer.from('€');
  expect(linesOf([euro.subarray(0, 1), euro.subarray(1), '\n', Buffer.from([0xff, 0x0a])])).toEqual(['€', '\uFFFD']);
});

test('a long line is cut at characters, also when it never ends', () => {
  expect(linesOf(['aaaa€€\nb'], 5)).toEqual(['aaaa', '€', '€', 'b']);
  const lines = linesOf(
    Array.from({ length: 100 }, () => 'x'.repeat(999)),
    4_096,
  );
  expect(lines.join('')).toHaveLength(99_900);
  expect(Math.max(...lines.map((line) => line.length))).toBe(4_096);
});
