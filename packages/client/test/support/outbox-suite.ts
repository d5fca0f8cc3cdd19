/* What every outbox that outlives its process promises. */
import { expect, it } from 'vitest';
import type { Entry, Kept, Outbox } from '../../src/index.ts';

type Made = {
  /** Another use of the same store. */
  again(): Promise<Outbox>;
};

const entry = (id: number, message: string | Uint8Array, mark?: string): Entry => ({
  id,
  message,
  contentType: 'application/json',
  mark,
});
const messagesOf = (entries: readonly Entry[]): (string | Uint8Array)[] => entries.map(({ message }) => message);

/** What another life finds. */
async function look(store: Made): Promise<Kept> {
  const outbox = await store.again();
  const kept = await outbox.open('a p');
  await outbox.close();
  return kept;
}

/** Registers the tests; `make` gives a store that nobody has used. */
export function outboxSuite(make: () => Promise<Made>): void {
  it('is empty at first', async () => {
    const outbox = await (await make()).again();
    expect(outbox.lasting).toBe(true);
    expect(await outbox.open('a p')).toMatchObject({
      entries: [],
      sending: undefined,
      epoch: undefined,
      mark: undefined,
    });
    await outbox.close();
  });

  it('gives back what was added, in order, as it was', async () => {
    const store = await make();
    const first = await store.again();
    await first.open('a p');
    await first.add([entry(1, '{"n":1}', 'm1'), entry(2, 'é\n\u0000"\\')]);
    await first.add([entry(3, new Uint8Array([0, 255, 10, 13]))]);
    await first.close();
    const kept = await look(store);
    expect(messagesOf(kept.entries)).toEqual(['{"n":1}', 'é\n\u0000"\\', new Uint8Array([0, 255, 10, 13])]);
    expect(kept).toMatchObject({ contentType: 'application/json', mark: 'm1', sending: undefined });
    expect(kept.entries.map(({ id }) => id)).toEqual(kept.entries.map(({ id }) => id).toSorted((a, b) => a - b));
  });

  it('knows what was being sent, and forgets what is safe', async () => {
    const store = await make();
    const first = await store.again();
    await first.open('a p');
    await first.add([entry(1, '1'), entry(2, '2'), entry(3, '3', 'm3')]);
    await first.assign({ epoch: 7, seq: 0, count: 2 });
    await first.close();
    const second = await store.again();
    expect(await second.open('a p')).toMatchObject({ sending: { epoch: 7, seq: 0, count: 2 }, epoch: 7 });
    await second.settle(2);
    await second.close();
    const third = await store.again();
    const kept = await third.open('a p');
    expect(messagesOf(kept.entries)).toEqual(['3']);
    expect(kept).toMatchObject({ sending: undefined, epoch: 7, mark: 'm3' });
    await third.settle(1);
    await third.close();
    // The mark and the epoch stay when nothing waits any more.
    expect(await look(store)).toMatchObject({ entries: [], epoch: 7, mark: 'm3' });
  });

  it('goes on behind what it holds', async () => {
    const store = await make();
    for (let life = 0; life < 3; life++) {
      const outbox = await store.again();
      const kept = await outbox.open('a p');
      await outbox.add([entry((kept.entries.at(-1)?.id ?? 0) + 1, String(life))]);
      await outbox.close();
    }
    expect(messagesOf((await look(store)).entries)).toEqual(['0', '1', '2']);
  });

  it('is one process at a time', async () => {
    const store = await make();
    const first = await store.again();
    await first.open('a p');
    const second = await store.again();
    await expect(second.open('a p')).rejects.toMatchObject({ code: 'conflict', reason: 'outbox_in_use' });
    await first.close();
    await second.open('a p');
    await second.close();
  });

  it('is nothing once it is closed', async () => {
    const outbox = await (await make()).again();
    await outbox.open('a p');
    await outbox.close();
    await outbox.close();
    await expect(outbox.add([entry(1, '1')])).rejects.toThrow('closed');
  });
}
