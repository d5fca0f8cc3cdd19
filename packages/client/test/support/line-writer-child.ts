/* Appends `line 1` to `line <count>` and says the number of each that its outbox has. Started again with the same words, it
 * goes on behind the last one an earlier life took. */
import { flushCompileCache } from 'node:module';
import { Client } from '../../src/index.ts';
import { fileOutbox } from '../../src/node/index.ts';

const [url = '', credential = '', path = '', outbox = '', count = '0'] = process.argv.slice(2);
// It is killed again and again: what it compiled is kept for its next life.
flushCompileCache();
const pace = { firstMs: 20, maxMs: 200 };
const producer = new Client({ url, credential })
  .stream(path, 'text/plain')
  .producer('lines', { outbox: fileOutbox(outbox), pace });
const { mark } = await producer.open();
for (let line = Number(mark ?? 0) + 1; line <= Number(count); line++) {
  await producer.append(`line ${line}\n`, { mark: String(line) });
  process.stdout.write(`${line}\n`);
}
await producer.flush();
await producer.close();
