import { expect, it } from 'vitest';
import { faultOf } from './call-fault.ts';

const answered = (statusCode: number, responseHeaders: Record<string, string> = {}, message = 'no'): Error =>
  Object.assign(new Error(message), { statusCode, responseHeaders });

it.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
  [{ 'retry-after': '86400' }, 60_000],
  [{ 'retry-after': 'Fri, 20 Nov 2026 12:00:30 GMT', date: 'Fri, 20 Nov 2026 12:00:00 GMT' }, 30_000],
  [{ 'retry-after': 'Fri, 20 Nov 2026 11:00:00 GMT', date: 'Fri, 20 Nov 2026 12:00:00 GMT' }, undefined],
  [{ 'retry-after': '-1' }, undefined],
  [{ 'retry-after': 'soon' }, undefined],
  [{}, undefined],
])('Retry-After %o is %s ms', (headers, ms) => {
  expect(faultOf(answered(429, headers))).toMatchObject({ kind: 'rate_limited', retryAfterMs: ms });
});

it('sorts by status; what was surely not paid for says so', () => {
  const kindOf = (status: number): string => faultOf(answered(status)).kind;
  expect([401, 403, 404].map(kindOf)).toEqual(['refused', 'refused', 'refused']);
  expect([400, 422].map(kindOf)).toEqual(['request', 'request']);
  for (const status of [408, 409, 500, 503, 529]) expect(kindOf(status)).toBe('transient');
  expect(faultOf(answered(200))).toMatchObject({ kind: 'transient', sent: true });
  expect(faultOf(answered(503))).toMatchObject({ sent: false });
  const refused = new Error('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) });
  expect(faultOf(refused)).toMatchObject({ kind: 'transient', sent: false });
  const cut = new Error('fetch failed', { cause: Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }) });
  expect(faultOf(cut)).toMatchObject({ kind: 'transient', sent: true });
});

it('keeps no key in its words', () => {
  const fault = faultOf(answered(401, {}, 'Incorrect API key provided: sk-proj-abcdefghijklmnopqrstuvwxyz'));
  expect(fault.detail).toBe('the provider answered 401: Incorrect API key provided: …');
});
