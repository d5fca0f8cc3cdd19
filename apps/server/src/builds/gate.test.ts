import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

test('at most two run at once, the third waits, the fourth is refused', async () => {
  const gate = new Gate({ reason: 'certs_busy', most: 2, waitingMax: 1 });
  const ends: (() => void)[] = [];
  let most = 0;
  const work = (): Promise<void> => {
    most = Math.max(most, gate.running);
    return new Promise((resolve) => ends.push(resolve));
  };
  const running = [gate.run(work), gate.run(work), gate.run(work)];
  await expect(gate.run(work)).rejects.toMatchObject({ code: 'exhausted', reason: 'certs_busy' });
  expect(ends).toHaveLength(2);
  ends.shift()?.();
  await running[0];
  expect(ends).toHaveLength(2);
  for (const end of ends) end();
  await Promise.all(running);
  expect({ most, left: gate.running }).toEqual({ most: 2, left: 0 });
});

test('work that fails gives its place back', async () => {
  const gate = new Gate({ reason: 'certs_busy', most: 1, waitingMax: 0 });
  await expect(gate.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(gate.run(() => Promise.resolve(7))).resolves.toBe(7);
});
