import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const example = fileURLToPath(new URL('../../../examples/stream-two-lives.ts', import.meta.url));

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address ? address.port : 0;
}

test('the example runs as a newcomer would run it', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [example, String(await freePort())], {
    timeout: 55_000,
  });
  expect(stdout).toContain('Read 1000 messages, each once and in order');
  expect(stdout).toMatch(/reader: No connection/);
});
