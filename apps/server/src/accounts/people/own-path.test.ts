import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownPath } from './own-path.ts';

test('own paths stay, with query and place', () => {
  expect(ownPath('/sandbox/i/1?x=%2F&y#z', '', '/home')).toBe('/sandbox/i/1?x=%2F&y#z');
  expect(ownPath('/base/x', '/base', '/home')).toBe('/base/x');
  expect(ownPath('/base', '/base', '/home')).toBe('/base');
});

test.each([
  undefined,
  '',
  'x',
  '//evil.example',
  '/\\evil.example',
  '/%5c/evil\\x',
  'https://evil.example',
  'javascript:alert(1)',
  '/x\ny',
  '/\u0000',
  '/ü',
  '/.//evil.example',
  '/a/..//evil.example',
  `/${'x'.repeat(3000)}`,
])('%j leads home', (given) => {
  expect(ownPath(given, '', '/home')).toBe('/home');
});

test.each(['/other', '/basement', '/base/../other', '/'])('%s is not below the base path', (given) => {
  expect(ownPath(given, '/base', '/home')).toBe('/home');
});

test('whatever is given, a browser stays here', () => {
  const nasty = fc.string({
    unit: fc.constantFrom('/', '\\', '.', ':', '@', '%', '2', 'f', '?', '#', '\t', '\n', ' ', 'a', 'é'),
    maxLength: 24,
  });
  fc.assert(
    fc.property(nasty, (text) => {
      const path = ownPath(`/${text}`, '', '/home');
      expect(new URL(path, 'https://here.example/sign-in').origin).toBe('https://here.example');
      expect(path).toMatch(/^\/(?![/\\])/);
    }),
    { numRuns: 2000 },
  );
});
