/** P15: clusters of killed test runs are found by their lock and removed; those of living runs are left alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { throwawayCluster } from '#kernel/db';
import { until } from '#test/until';

const server = fileURLToPath(new URL('../../', import.meta.url));
const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test('a killed run leaves nothing for long', async () => {
  const script = `import { throwawayCluster } from '#kernel/db'; const { folder } = await throwawayCluster(); console.log(folder);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: server,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  const left = first.toString().trim();
  await using living = await throwawayCluster();
  expect(await isThere(left)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await using next = await throwawayCluster();
  expect(await isThere(left)).toBe(false);
  expect([await isThere(living.folder), await isThere(next.folder)]).toEqual([true, true]);
  await living[Symbol.asyncDispose]();
  await until(async () => !(await isThere(living.folder)));
}, 60_000);
