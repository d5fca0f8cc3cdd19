import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { childEnv } from '../../../server/test/support/child-env.ts';
import { until } from '../../../server/test/support/until.ts';

export const root = resolve(import.meta.dirname, '../../../..');
const bin = join(root, 'apps/cli/bin/muster.mjs');

export type Running = {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** Waits until it has said this, on either of the two. */
  says: (text: string | RegExp) => Promise<void>;
  exit: Promise<Ran>;
};
export type Ran = { code: number | null; stdout: string; stderr: string };
export type At = { url: string; key: string };

/** A folder that goes away with the test. */
export async function tempDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The real `muster`, as somebody with an empty home runs it; killed with the test if it is still there. */
export async function startCli(
  at: At | undefined,
  words: readonly string[],
  {
    env = {},
    input,
    typing = false,
  }: { env?: Readonly<Record<string, string>>; input?: string; typing?: boolean } = {},
): Promise<Running> {
  const home = env['HOME'] ?? (await tempDir());
  const child = spawn(process.execPath, [bin, ...words], {
    cwd: home,
    env: {
      ...childEnv(),
      HOME: home,
      MUSTER_DATA_DIR: home,
      ...(at ? { MUSTER_URL: at.url, MUSTER_API_KEY: at.key } : {}),
      ...env,
    },
  });
  // What is cut off in the middle of its input has not read it all.
  child.stdin.on('error', () => undefined);
  // `typing`: the test goes on writing.
  if (!typing) child.stdin.end(input);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (err += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout: out, stderr: err }));
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`--- muster ${words.join(' ')}\n${out}\n---\n${err}\n`);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exit;
  });
  const says = (text: string | RegExp): Promise<void> =>
    until(() => (typeof text === 'string' ? (out + err).includes(text) : text.test(out + err)), { withinMs: 40_000 });
  return { child, stdout: () => out, stderr: () => err, says, exit };
}

export async function runCli(...args: Parameters<typeof startCli>): Promise<Ran> {
  return (await startCli(...args)).exit;
}
