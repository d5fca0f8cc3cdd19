import { DatabaseBus } from '#kernel/bus';
import { createDb } from '#kernel/db';
import { testDatabase } from '#test/database';
import { type BusMaker, busContract } from './bus.ts';

busContract('database', async () => {
  const errors: BusMaker['errors'] = [];
  const database = await testDatabase({ migrations: false });
  const other = createDb(database.options);
  const onError = (topic: string, error: unknown): void => void errors.push({ topic, error });
  const ends: [DatabaseBus, DatabaseBus] = [
    new DatabaseBus({ db: database.db, onError }),
    new DatabaseBus({ db: other, onError }),
  ];
  for (const end of ends) await started(end);
  return {
    ends,
    errors,
    close: async () => {
      for (const end of ends) await end[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
});

/** `missed` comes once LISTEN is in place. */
async function started(bus: DatabaseBus): Promise<void> {
  const listening = Promise.withResolvers<void>();
  using _first = bus.subscribe('t.started', () => undefined, listening.resolve);
  await bus.start();
  await listening.promise;
}
