import { describe, expect, test } from 'vitest';
import { invalid, MusterError } from '#kernel/base';
import { asStoreError, isStoreDown } from './store-errors.ts';

const coded = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });

describe('Postgres is not there', () => {
  test.each(['57P01', '57P03', '53300', '08006', '08001', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EAI_AGAIN'])(
    '%s',
    (code) => {
      const error = asStoreError(coded(code));
      expect(error).toMatchObject({ code: 'unavailable', reason: 'store_down', retryAfterMs: 2_000 });
    },
  );

  test.each(['Connection terminated unexpectedly', 'timeout expired', 'Query read timeout'])('%s', (message) => {
    expect(isStoreDown(new Error(message))).toBe(true);
  });

  test('all addresses of a name refused', () => {
    expect(isStoreDown(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]))).toBe(true);
  });
});

describe('Postgres is there and says no', () => {
  test.each(['23505', '40001', '42601', '57014', '28P01', '3D000', '53100'])('%s stays as it came', (code) => {
    const error = coded(code);
    expect(asStoreError(error)).toBe(error);
  });

  test('errors with a meaning of their own pass', () => {
    const error = invalid('x', 'y');
    expect(asStoreError(error)).toBe(error);
    expect(asStoreError('text')).toBeInstanceOf(Error);
    expect(asStoreError('text')).not.toBeInstanceOf(MusterError);
  });
});
