/** The raw limit of an upload: a bare HTTP server that pipes each body into a file, syncs it and answers. */
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const folder = process.argv[2] ?? '.';
let count = 0;

createServer((request, response) => {
  void (async () => {
    const file = path.join(folder, `pipe-${count++}`);
    await pipeline(request, createWriteStream(file, { flags: 'w' }));
    const handle = await open(file, 'r+');
    await handle.sync();
    await handle.close();
    response.writeHead(201).end();
  })().catch(() => response.destroy());
}).listen(0, '127.0.0.1', function listening(this: { address(): unknown }) {
  const { port } = this.address() as { port: number };
  process.stdout.write(`${port}\n`);
});
