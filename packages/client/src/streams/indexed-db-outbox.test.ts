import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { outboxSuite } from '../../test/support/outbox-suite.ts';
import { TinyIndexedDb } from '../../test/support/tiny-indexed-db.ts';
import { indexedDbOutbox } from './indexed-db-outbox.ts';

/** Every test is a browser of its own, but for locks: these are the real ones of this process. */
let browsers = 0;
function newBrowser(): { browser: TinyIndexedDb; database: string } {
  const browser = new TinyIndexedDb();
  vi.stubGlobal('indexedDB', browser.indexedDB);
  vi.stubGlobal('IDBKeyRange', browser.IDBKeyRange);
  onTestFinished(() => void vi.unstubAllGlobals());
  browsers += 1;
  return { browser, database: `outbox-${browsers}` };
}

describe('as every outbox', () => {
  outboxSuite(async () => {
    const { database } = newBrowser();
    return { again: async () => indexedDbOutbox({ database, lockMsMax: 50 }) };
  });
});

it('holds many streams in one database', async () => {
  const { database } = newBrowser();
  const [a, b] = [indexedDbOutbox({ database }), indexedDbOutbox({ database })];
  await a.open('a p');
  await b.open('b p');
  await a.add([{ id: 1, message: 'of a', contentType: 'text/plain' }]);
  await b.add([{ id: 1, message: 'of b', contentType: 'text/plain' }]);
  await a.settle(1);
  await Promise.all([a.close(), b.close()]);
  const again = indexedDbOutbox({ database });
  expect((await again.open('b p')).entries).toMatchObject([{ message: 'of b' }]);
  await again.close();
});

it('keeps nothing of a transaction that failed', async () => {
  const { browser, database } = newBrowser();
  const outbox = indexedDbOutbox({ database });
  await outbox.open('a p');
  browser.strike = new Error('QuotaExceededError');
  await expect(outbox.add([{ id: 1, message: 'x', contentType: 'text/plain' }])).rejects.toThrow('QuotaExceededError');
  await outbox.close();
  expect((await indexedDbOutbox({ database }).open('a p')).entries).toEqual([]);
});
