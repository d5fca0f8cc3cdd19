import { expect, test } from 'vitest';
import { isForeign, isSafe, requireSameOrigin } from './same-origin.ts';

const host = 'muster.example.com:4000';
const cases = [
  { headers: { 'sec-fetch-site': 'same-origin' }, change: true, foreign: false },
  { headers: { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }, change: true, foreign: false },
  { headers: { 'sec-fetch-site': 'same-site', origin: `https://${host}` }, change: false, foreign: true },
  { headers: { 'sec-fetch-site': 'cross-site' }, change: false, foreign: true },
  { headers: { 'sec-fetch-site': 'none' }, change: false, foreign: false },
  { headers: { origin: `http://${host}` }, change: true, foreign: false },
  { headers: { origin: 'https://public.example' }, change: true, foreign: false },
  { headers: { origin: 'https://muster.example.com' }, change: false, foreign: true },
  { headers: { origin: `https://${host}.evil.example` }, change: false, foreign: true },
  { headers: { origin: 'null' }, change: false, foreign: true },
  { headers: { origin: '' }, change: false, foreign: true },
  { headers: {}, change: false, foreign: false },
];

test.each(cases)('$headers: may change $change, foreign $foreign', ({ headers, change, foreign }) => {
  const head = { headers: { host, ...headers } };
  if (change) expect(() => requireSameOrigin(head, 'https://public.example')).not.toThrow();
  else expect(() => requireSameOrigin(head, 'https://public.example')).toThrow('pages of this server');
  expect(isForeign(head, 'https://public.example')).toBe(foreign);
});

test('to open a socket is no reading: what other sites open is not opened as the person', () => {
  expect(isSafe({ method: 'GET', headers: {} })).toBe(true);
  expect(isSafe({ method: 'HEAD', headers: {} })).toBe(true);
  expect(isSafe({ method: 'GET', headers: { upgrade: 'websocket' } })).toBe(false);
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])
    expect(isSafe({ method, headers: {} })).toBe(false);
});
