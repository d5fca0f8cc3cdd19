/** Programs of this repository as somebody with an empty home runs them, to their end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { childEnv } from './child-env.ts';

const root = resolve(import.meta.dirname, '../../../..');
const programs = { cli: 'apps/cli/bin/muster.mjs', server: 'apps/server/src/main.ts' };

export type Ran = { code: number | null; stdout: string; stderr: string };

/** A folder that goes away with the test. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-child-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export async function runProgram(
  program: keyof typeof programs,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const home = await tempFolder();
  const child = spawn(process.execPath, [join(root, programs[program]), ...words], {
    cwd: home,
    env: childEnv({ HOME: home, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
