import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { FakeClock, MusterError } from '#kernel/base';
import { subscriptionLimits } from './limits.ts';
import { WakeTokens } from './wake-tokens.ts';

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'good';
  } catch (error) {
    return error instanceof MusterError ? (error.extra['error'] as { code: string }).code : String(error);
  }
};

test('a token says its subscription and generation, until it expires', async () => {
  const clock = new FakeClock();
  const tokens = new WakeTokens([randomBytes(32)], clock);
  const token = tokens.mint({ no: 42, id: 'a' }, 7);
  expect(tokens.read(token, 'a')).toEqual({ no: 42, generation: 7 });
  await clock.advance(subscriptionLimits.tokenMs - 1);
  expect(codeOf(() => tokens.read(token, 'a'))).toBe('good');
  await clock.advance(1);
  expect(codeOf(() => tokens.read(token, 'a'))).toBe('TOKEN_EXPIRED');
});

test('every changed character, another id, another server: invalid', () => {
  const clock = new FakeClock();
  const tokens = new WakeTokens([randomBytes(32)], clock);
  const token = tokens.mint({ no: 42, id: 'a' }, 7);
  for (let i = 0; i < token.length; i++) {
    const changed = `${token.slice(0, i)}${token[i] === '1' ? '2' : '1'}${token.slice(i + 1)}`;
    expect(
      codeOf(() => tokens.read(changed, 'a')),
      changed,
    ).toBe('TOKEN_INVALID');
  }
  for (const bad of [undefined, '', 'dsw_', `${token}=`, ` ${token}`, token.toUpperCase()])
    expect(codeOf(() => tokens.read(bad, 'a'))).toBe('TOKEN_INVALID');
  expect(codeOf(() => tokens.read(token, 'b'))).toBe('TOKEN_INVALID');
  expect(codeOf(() => new WakeTokens([randomBytes(32)], clock).read(token, 'a'))).toBe('TOKEN_INVALID');
});

test('tokens of the secret before go on', () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)];
  const clock = new FakeClock();
  const token = new WakeTokens([old], clock).mint({ no: 1, id: 'a' }, 1);
  expect(codeOf(() => new WakeTokens([fresh, old], clock).read(token, 'a'))).toBe('good');
});
