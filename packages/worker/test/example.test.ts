import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const example = fileURLToPath(new URL('../../../examples/build-npm-project.ts', import.meta.url));

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

// The one test here against the real server: the whole round as a newcomer would run it.
test('the example builds a real npm project and cancels a sleeper', async () => {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [example, String(await freePort())], { timeout: 55_000 });
  expect(stdout).toContain('> hello-build@1.0.0 test');
  expect(stdout).toMatch(/^Built, checked and ran hello-build-1\.0\.0\.tgz; cancelled in \d+ ms\.$/m);
});
