import { createHash } from 'node:crypto';
import { idPattern } from '@muster/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { furtherId, sameKey, thoughtIdOf } from './think-id.ts';

test('ids have the form of ids and depend on which think of which bot it is', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.integer({ min: 0 }), fc.string(), fc.nat(), (seed, botId, thinkNo) => {
      const id = thoughtIdOf(seed, botId, thinkNo);
      expect(id).toMatch(idPattern('activity'));
      expect(thoughtIdOf(seed, botId, thinkNo)).toBe(id);
      expect(furtherId(id, 'activity 1')).toMatch(idPattern('activity'));
      expect(furtherId(id, 'activity 1')).not.toBe(furtherId(id, 'activity 2'));
      seen.add(id);
    }),
  );
  expect(seen.size).toBeGreaterThan(50);
  expect(thoughtIdOf(1, 'gbt_x', 0)).toBe(`act_${slowly('1\u0000gbt_x\u00000')}`);
  expect(thoughtIdOf(1, 'gbt_x', 1)).not.toBe(thoughtIdOf(1, 'gbt_x', 0));
  expect(sameKey({ projectId: 'a', targetId: 'b' })).not.toBe(sameKey({ projectId: 'b', targetId: 'a' }));
});

/** The first 128 bits of SHA-256, as one number. */
function slowly(name: string): string {
  let value = BigInt(`0x${createHash('sha256').update(name).digest('hex').slice(0, 32)}`);
  let text = '';
  for (let n = 0; n < 26; n++) {
    text = `${'0123456789abcdefghjkmnpqrstvwxyz'.charAt(Number(value & 31n))}${text}`;
    value >>= 5n;
  }
  return text;
}
