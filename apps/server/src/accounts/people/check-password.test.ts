import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkPassword, isCommon } from './check-password.ts';

const reasonOf = (password: string, email = 'ada@example.com'): string | undefined => {
  try {
    checkPassword(password, email);
    return undefined;
  } catch (error) {
    return (error as { reason: string }).reason;
  }
};

test.each([
  'password1234',
  'Password123!',
  'P@ssw0rdP@ssw0rd',
  'qwertyuiop123',
  '123456789012',
  '0987654321098',
  'aaaaaaaaaaaaaaaa',
  'abababababab',
  'letmein letmein',
  'Welcome2026!!',
  'iloveyou2000',
  '1q2w3e4r5t6y',
  'adminadmin1234',
  'correct horse battery staple',
  'abcdefghijklmnop',
  'mustermuster1',
])('%s is tried first', (password) => {
  expect(reasonOf(password)).toBe('password_common');
});

test.each([
  'seven quiet herons at dawn',
  'Kirschbaum Regenrinne 4',
  'xk7 vbq 2mw rtz p',
  'пять тихих цапель утром',
  '静かな朝に七羽の鷺がいる池',
  'tr0ub4dor&3zebraquilt',
])('%s is fine', (password) => {
  expect(reasonOf(password)).toBeUndefined();
});

test('12 to 256 characters, as people count them', () => {
  expect(reasonOf('kurz und gut')).toBeUndefined();
  expect(reasonOf('kurz und gu')).toBe('password_too_short');
  expect(reasonOf('🦉'.repeat(6))).toBe('password_too_short');
  expect(reasonOf(`heron ${'lake '.repeat(50)}`)).toBeUndefined();
  expect(reasonOf('heron lake '.repeat(24))).toBe('password_too_long');
});

test('not with the name of the email in it, unless that is too short to mean anything', () => {
  expect(reasonOf('the quiet ADA heron')).toBe('password_has_email');
  expect(reasonOf('the quiet ad heron', 'ad@example.com')).toBeUndefined();
});

test('random letters are never common, and no text makes it fail or slow', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[bcfjkpqvwxz]{16,40}$/), (text) => {
      // Letters that no common word is made of alone, without runs of a keyboard row.
      fc.pre(!/(.)\1{2}|zxcv|vcxz/.test(text) && new Set(text).size >= 8);
      expect(isCommon(text)).toBe(false);
    }),
  );
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 256 }), (text) => void reasonOf(text)));
});
