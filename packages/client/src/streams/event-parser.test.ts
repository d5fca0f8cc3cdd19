import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventParser, type ServerEvent } from './event-parser.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string, ...cuts: number[]): ServerEvent[] => {
  const bytes = bytesOf(text);
  const parser = new EventParser();
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).flatMap((edge, n) => parser.push(bytes.subarray(edges[n], edge)));
};

describe('events', () => {
  it.each([
    ['LF', 'event: a\ndata: 1\ndata:2\n\n', [{ event: 'a', data: '1\n2' }]],
    ['CRLF', 'event: a\r\ndata: 1\r\n\r\n', [{ event: 'a', data: '1' }]],
    [
      'CR',
      'event: a\rdata: 1\r\rdata: 2\r\r-',
      [
        { event: 'a', data: '1' },
        { event: 'message', data: '2' },
      ],
    ],
    ['one space is taken off, no more', 'data:  x\n\n', [{ event: 'message', data: ' x' }]],
    [
      'comments, ids and empty events say nothing',
      ': hello\n\nid: 7\nevent: b\n\ndata\n\n',
      [{ event: 'message', data: '' }],
    ],
    ['what does not end never was', 'data: 1\n\ndata: 2\n', [{ event: 'message', data: '1' }]],
  ])('%s', (_name, text, events) => {
    expect(parse(text)).toEqual(events);
  });

  it('are the same wherever the bytes were cut', () => {
    const line = fc.constantFrom('data: é', 'data:{"a":1}', 'event: control', ': note', 'id: 1', '');
    const end = fc.constantFrom('\n', '\r\n', '\r');
    const text = fc.array(fc.tuple(line, end), { maxLength: 30 }).map((lines) => lines.flat().join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (text, cuts) => {
        // A CR at the very end may be half of a line end: one more line tells.
        expect(parse(`${text}\n:\n`, ...cuts)).toEqual(parse(`${text}\n:\n`));
      }),
      { numRuns: 500 },
    );
  });
});
