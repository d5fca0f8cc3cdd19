import { expect, test } from 'vitest';
import { newRecoveryCodes, recoveryHash } from './recovery-codes.ts';
import { base32, codeOf, newSecret, periodOf, uriOf } from './second-code.ts';

const secret = Buffer.from('12345678901234567890');

test('codes are those of RFC 6238 (its eight digits, the last six), SHA-1', () => {
  const vectors: [seconds: number, code: string][] = [
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ];
  for (const [seconds, code] of vectors) {
    expect(codeOf(secret, Math.floor(seconds / 30))).toBe(code);
    expect(periodOf(code, secret, seconds * 1000, 0)).toBe(Math.floor(seconds / 30));
  }
});

test('a code counts in its period and the neighbours, and no period counts twice', () => {
  const period = 50_000_000;
  const code = codeOf(secret, period);
  const at = (periods: number, after = 0): number | undefined =>
    periodOf(code, secret, (period + periods) * 30_000 + 15_000, after);
  expect([-2, -1, 0, 1, 2].map((periods) => at(periods))).toEqual([undefined, period, period, period, undefined]);
  expect(at(0, period)).toBeUndefined();
  expect(at(0, period - 1)).toBe(period);
  for (const bad of ['', '12345', '1234567', 'abcdef', `${code} `, '００００００'])
    expect(periodOf(bad, secret, period * 30_000, 0)).toBeUndefined();
});

test('base32 is that of RFC 4648, without padding', () => {
  const vectors = {
    '': '',
    f: 'MY',
    fo: 'MZXQ',
    foo: 'MZXW6',
    foob: 'MZXW6YQ',
    fooba: 'MZXW6YTB',
    foobar: 'MZXW6YTBOI',
  };
  for (const [plain, text] of Object.entries(vectors)) expect(base32(Buffer.from(plain))).toBe(text);
  expect(base32(newSecret())).toMatch(/^[A-Z2-7]{32}$/);
});

test('what is scanned names the server and the person, whatever is in their names', () => {
  const uri = new URL(uriOf(secret, 'a:b/c@example.com', 'muster.example.com:4000'));
  expect(decodeURIComponent(uri.pathname)).toContain('Muster muster.example.com:4000:a:b/c@example.com');
  expect(uri.searchParams.get('secret')).toBe(base32(secret));
  expect(uri.searchParams.get('issuer')).toBe('Muster muster.example.com:4000');
});

test('recovery codes are ten, all different, and read however they are typed', () => {
  const codes = newRecoveryCodes();
  expect(codes).toHaveLength(10);
  expect(new Set(codes).size).toBe(10);
  for (const code of codes) {
    expect(code).toMatch(/^[2-9a-hjkmnp-tv-z]{4}(-[2-9a-hjkmnp-tv-z]{4}){3}$/);
    const hash = recoveryHash(code);
    expect(hash).toHaveLength(32);
    for (const typed of [code.toUpperCase(), code.replaceAll('-', ''), ` ${code.replaceAll('-', ' ')} `])
      expect(recoveryHash(typed)).toEqual(hash);
  }
  expect(recoveryHash('123456')).toBeUndefined();
  expect(recoveryHash(`${codes[0]}x`)).toBeUndefined();
});
