import { expect, test } from 'vitest';
import { readFrame, replyTo } from './channel-frames.ts';

test('answers an array frame with an array', () => {
  const frame = readFrame('["1","2","worker:w","request_job",{}]');
  expect(frame).toEqual({
    form: 'array',
    joinRef: '1',
    ref: '2',
    topic: 'worker:w',
    event: 'request_job',
    payload: {},
  });
  expect(JSON.parse(replyTo(frame!, 'ok', { job: null }))).toEqual([
    '1',
    '2',
    'worker:w',
    'phx_reply',
    { status: 'ok', response: { job: null } },
  ]);
});

test('answers an object frame with an object; numbers as references are text', () => {
  const frame = readFrame('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":7}');
  expect(frame).toMatchObject({ form: 'object', joinRef: null, ref: '7' });
  expect(JSON.parse(replyTo(frame!, 'error', { reason: 'x' }))).toEqual({
    join_ref: null,
    ref: '7',
    topic: 'phoenix',
    event: 'phx_reply',
    payload: { status: 'error', response: { reason: 'x' } },
  });
});

test.each([
  '',
  'x',
  '1',
  'null',
  '[]',
  '{}',
  '["1","2"]',
  '[{},"2","t","e",{}]',
  '{"topic":"","event":"e"}',
  '{"topic":1,"event":"e"}',
])('is no frame: %s', (text) => {
  expect(readFrame(text)).toBeUndefined();
});
