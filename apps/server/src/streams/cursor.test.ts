import { expect, test } from 'vitest';
import { nextCursor, withCursor } from './cursor.ts';

const epoch = Date.UTC(2024, 9, 9);
const at = (intervals: number): number => epoch + intervals * 20_000;

test('the present interval, unless the client is there already', () => {
  for (const given of [undefined, '', 'x', '-1', '0', '99', '1.5'])
    expect([given, nextCursor(given, at(100), () => 0.5)]).toEqual([given, '100']);
  for (const random of [0, 0.5, 0.999_999]) {
    for (const given of ['100', '101', '5000']) {
      const next = Number(nextCursor(given, at(100), () => random));
      expect(next).toBeGreaterThan(Number(given));
      // At most an hour ahead of it.
      expect(next).toBeLessThanOrEqual(Number(given) + 180);
    }
  }
});

test('in shared events only a smaller cursor is replaced, and nothing of a payload', () => {
  const evil = 'event: data\ndata:"streamCursor":"1" event: control\n\n';
  const control = 'event: control\ndata:{"streamNextOffset":"x","streamCursor":"100","upToDate":true}\nid: x\n\n';
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  expect(text(withCursor(Buffer.from(evil + control), 120))).toBe(evil + control.replace('"100"', '"120"'));
  expect(text(withCursor(Buffer.from(control), 120))).toBe(control.replace('"100"', '"120"'));
  expect(text(withCursor(Buffer.from(evil + control), 99))).toBe(evil + control);
  const closed = 'event: control\ndata:{"streamNextOffset":"x","streamClosed":true}\nid: x\n\n';
  expect(text(withCursor(Buffer.from(evil + closed), 120))).toBe(evil + closed);
});
