/**
 * A process that appends until it is killed: `node log-child.ts <folder> <database url> <life>`. Each acknowledged append is
 * one line on stdout: `<stream> <seq> <text>`. Producers number their requests on, so that repeats over lives are known.
 */
import { systemClock } from '#kernel/base';
import { createDb } from '#kernel/db';
import { createLog } from '#kernel/log';
import { keepCompiled } from '../../support/keep-compiled.ts';

const [dir, url, life] = process.argv.slice(2) as [string, string, string];
const db = createDb({
  connectionString: url,
  poolMax: 4,
  statementTimeoutMs: 20_000,
  applicationName: `log-child-${life}`,
  clock: systemClock,
});
await db.start();
const log = createLog({
  driver: 'disk',
  dir,
  db,
  limits: {
    segmentBytes: 512 * 1024,
    spareDelayMs: 0,
    flushEveryMs: 30,
    flushBytes: 64 * 1024,
    keepBytes: 1024 * 1024,
    keepMs: 500,
    diskFreeBytesMin: 1,
  },
  fatal: (error) => {
    console.error(error);
    process.exit(70);
  },
});
await log.start();
const streams = 8;
for (let s = 0; s < streams; s++)
  await log.create({ key: { projectId: 'prj_kill', path: `s/${s}` }, contentType: 'text/plain' });
keepCompiled();
process.stdout.write('ready\n');

async function lane(no: number): Promise<void> {
  const path = `s/${no % streams}`;
  const producer = `${life}.${no}`;
  for (let seq = 0; ; seq++) {
    const text = `${producer}.${seq}`.padEnd(20 + ((no * 131 + seq * 17) % 700), '.');
    const { firstSeq } = await log.append({
      key: { projectId: 'prj_kill', path },
      messages: [Buffer.from(text)],
      producer: { id: producer, epoch: 0, seq },
    });
    process.stdout.write(`${path} ${firstSeq} ${text}\n`);
  }
}
await Promise.all(Array.from({ length: 32 }, (_, no) => lane(no)));
