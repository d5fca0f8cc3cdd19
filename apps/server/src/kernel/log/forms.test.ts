import { describe, expect, test } from 'vitest';
import { type Delivery, forms, socketFrame } from './forms.ts';
import { StreamHead } from './head.ts';
import { offsetOf } from './offset.ts';

const head = (contentType: string): StreamHead =>
  new StreamHead({
    streamNo: 1,
    key: { projectId: 'p', path: 'a/"b"' },
    shard: 0,
    contentType,
    eras: [{ era: 5, first: 1 }],
    createdAt: 5,
    configuration: {},
  });
const delivery = (
  contentType: string,
  messages: readonly (string | Buffer)[],
  more: Partial<Delivery> = {},
): Delivery => ({
  head: head(contentType),
  phase: 'live',
  from: offsetOf(5, 0),
  next: offsetOf(5, messages.length),
  upToDate: true,
  closed: false,
  messages: messages.map((message) => Buffer.from(message)),
  nowMs: Date.UTC(2024, 9, 9) + 45_000,
  ...more,
});
const sse = (...given: Parameters<typeof delivery>): string =>
  forms
    .sse(delivery(...given))
    .map((part) => Buffer.from(part).toString())
    .join('');
const next = (n: number): string => offsetOf(5, n);

describe('server-sent events', () => {
  test('data and control in one buffer; the first control of an empty stream alone', () => {
    expect(sse('application/json; charset=utf-8', ['{"n":1}', ' 2'])).toBe(
      `event: data\ndata:[{"n":1}, 2]\n\nevent: control\ndata:{"streamNextOffset":"${next(2)}","streamCursor":"2","upToDate":true}\nid: ${next(2)}\n\n`,
    );
    expect(sse('text/plain', [])).toBe(
      `event: control\ndata:{"streamNextOffset":"${next(0)}","streamCursor":"2","upToDate":true}\nid: ${next(0)}\n\n`,
    );
    expect(sse('text/plain', ['x'], { upToDate: false })).toContain(
      `{"streamNextOffset":"${next(1)}","streamCursor":"2"}`,
    );
    expect(sse('text/plain', ['x'], { closed: true })).toContain(
      `{"streamNextOffset":"${next(1)}","streamClosed":true,"upToDate":true}`,
    );
  });

  test('line ends cannot inject a field; a leading space is kept', () => {
    expect(sse('text/plain', ['a\r\nevent: x\rb\n\n', 'c'])).toContain(
      'event: data\ndata:a\ndata:event: x\ndata:b\ndata:\ndata:c\n\n',
    );
    expect(sse('text/plain', [' a\n b'])).toContain('data:  a\ndata:  b\n\n');
    expect(sse('application/json', ['{\n"a":1}'])).toContain('data:[{\ndata:"a":1}]\n\n');
  });

  test('text that is not UTF-8 is replaced here only; other types are base64', () => {
    expect(sse('text/plain', [Buffer.from([0x61, 0xff])])).toContain('data:a\ufffd\n\n');
    expect(sse('image/png', [Buffer.from([1, 2, 3])])).toContain('data:AQID\n\n');
  });
});

describe('socket frames', () => {
  const body = (...given: Parameters<typeof delivery>): unknown[] => {
    let bytes = Buffer.concat(forms.socket(delivery(...given)));
    const found: unknown[] = [];
    while (bytes.length > 0) {
      expect(bytes[0]).toBe(0x81);
      const [at, length] =
        bytes[1]! < 126
          ? [2, bytes[1]!]
          : bytes[1] === 126
            ? [4, bytes.readUInt16BE(2)]
            : [10, Number(bytes.readBigUInt64BE(2))];
      found.push(JSON.parse(bytes.toString('utf8', at, at + length)));
      bytes = bytes.subarray(at + length);
    }
    return found;
  };

  test('JSON as records, text as text, everything else as base64; caught up and closed are said', () => {
    const common = { t: 'batch', sub: 'a/"b"', phase: 'live', from: next(0), to: next(1) };
    expect(body('application/json', ['{"n":1}'])).toEqual([{ ...common, records: [{ n: 1 }] }]);
    expect(body('text/plain', ['é"\n'])).toEqual([{ ...common, text: 'é"\n' }]);
    expect(body('text/plain', [Buffer.from([0xff])])).toEqual([{ ...common, base64: '/w==' }]);
    expect(body('text/plain', [], { phase: 'replay' })).toEqual([{ t: 'live', sub: 'a/"b"', to: next(0) }]);
    expect(body('text/plain', ['x'], { closed: true })).toEqual([
      { ...common, text: 'x' },
      { t: 'closed', sub: 'a/"b"', to: next(1) },
    ]);
  });

  test('lengths in 7, 16 and 64 bits', () => {
    for (const length of [0, 125, 126, 65_535, 65_536]) {
      const frame = socketFrame([Buffer.alloc(length)]);
      expect(frame.length).toBe(length + (length < 126 ? 2 : length < 65_536 ? 4 : 10));
    }
    expect(body('text/plain', ['x'.repeat(200)])).toHaveLength(1);
    expect(body('text/plain', ['x'.repeat(70_000)])).toHaveLength(1);
  });
});
