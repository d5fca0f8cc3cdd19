/** The reference server of the protocol in a process of its own: in memory, or with files in the folder given. Prints its URL. */
import { DurableStreamTestServer, FileBackedStreamStore } from '@durable-streams/server';

const [dataDir] = process.argv.slice(2);
const server = new DurableStreamTestServer({ port: 0, host: '127.0.0.1', ...(dataDir ? { dataDir } : {}) });
if (dataDir && server.store instanceof FileBackedStreamStore) {
  // With its default of 100 open files it answers 404 to appends to one of many streams, so it gets enough of them.
  await server.store.close();
  Object.assign(server, { store: new FileBackedStreamStore({ dataDir, maxFileHandles: 20_000 }) });
}
process.stdout.write(`${await server.start()}\n`);
