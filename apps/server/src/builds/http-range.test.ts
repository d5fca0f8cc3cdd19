import { expect, test } from 'vitest';
import { portionOf } from './http-range.ts';

const etag = '"sha256-aa"';
const of = (headers: Record<string, string>, bytes = 10): unknown => {
  const portion = portionOf(headers, bytes, etag);
  return portion.kind === 'part' ? [portion.range.start, portion.range.end] : portion.kind;
};

test.each<[Record<string, string>, unknown]>([
  [{}, 'whole'],
  [{ range: 'bytes=0-0' }, [0, 0]],
  [{ range: 'bytes=3-' }, [3, 9]],
  [{ range: 'bytes=3-100' }, [3, 9]],
  [{ range: 'bytes=-4' }, [6, 9]],
  [{ range: 'bytes=-400' }, [0, 9]],
  [{ range: 'bytes=9-9' }, [9, 9]],
  [{ range: 'bytes=10-' }, 'outside'],
  [{ range: 'bytes=10-20' }, 'outside'],
  [{ range: 'bytes=-0' }, 'outside'],
  [{ range: 'bytes=5-3' }, 'whole'],
  [{ range: 'bytes=0-1,4-5' }, 'whole'],
  [{ range: 'lines=0-1' }, 'whole'],
  [{ range: 'bytes=-' }, 'whole'],
  [{ range: 'bytes=99999999999999999999-' }, 'whole'],
  [{ 'if-none-match': etag }, 'same'],
  [{ 'if-none-match': `W/${etag}` }, 'same'],
  [{ 'if-none-match': `"x", ${etag}` }, 'same'],
  [{ 'if-none-match': '*' }, 'same'],
  [{ 'if-none-match': '"x"', range: 'bytes=0-1' }, [0, 1]],
  [{ 'if-none-match': etag, range: 'bytes=0-1' }, 'same'],
  [{ 'if-range': etag, range: 'bytes=0-1' }, [0, 1]],
  [{ 'if-range': '"old"', range: 'bytes=0-1' }, 'whole'],
  [{ 'if-range': 'Tue, 15 Nov 1994 12:45:26 GMT', range: 'bytes=0-1' }, 'whole'],
])('%j', (headers, portion) => {
  expect(of(headers)).toEqual(portion);
});

test('nothing of an empty file can be a part', () => {
  expect(of({ range: 'bytes=0-' }, 0)).toBe('outside');
  expect(of({ range: 'bytes=-5' }, 0)).toBe('outside');
});
