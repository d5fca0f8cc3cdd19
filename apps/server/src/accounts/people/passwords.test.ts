import { expect, test } from 'vitest';
import { HashGate, hashPassword, isPassword } from './passwords.ts';

test('a password fits its hash alone, and two hashes of one differ', async () => {
  const [one, two] = await Promise.all([hashPassword('seven quiet herons'), hashPassword('seven quiet herons')]);
  expect(one).toMatch(/^scrypt\$15\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  expect(one).not.toBe(two);
  expect(await isPassword('seven quiet herons', one)).toBe(true);
  expect(await isPassword('seven quiet heronz', one)).toBe(false);
  expect(await isPassword('seven quiet herons', `${one}x`)).toBe(false);
  for (const broken of ['', 'scrypt$15$8$3$$', one.replace('scrypt', 'plain')])
    expect(await isPassword('', broken)).toBe(false);
});

test('composed and decomposed letters are one password', async () => {
  const stored = await hashPassword('f\u00fcnf stille Reiher');
  expect(await isPassword('fu\u0308nf stille Reiher', stored)).toBe(true);
});

test('four hash at a time, sixty-four wait, and the next is told so', async () => {
  const gate = new HashGate();
  let inside = 0;
  let most = 0;
  const open = Promise.withResolvers<void>();
  const all = Array.from({ length: 68 }, () =>
    gate.through(async () => {
      inside += 1;
      most = Math.max(most, inside);
      await open.promise;
      inside -= 1;
    }),
  );
  expect(gate.waiting).toBe(64);
  await expect(gate.through(() => Promise.resolve())).rejects.toMatchObject({ reason: 'sign_in_busy', status: 429 });
  open.resolve();
  await Promise.all(all);
  expect(most).toBe(4);
  await expect(gate.through(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await gate.through(() => Promise.resolve('in'))).toBe('in');
});
