import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Context, installationRoot } from './context.ts';
import { exitCodes } from './exit-codes.ts';

/** Runs the server's own program for what is done on its machine; what it says, and its exit code, are the command's. */
export async function runServerProgram({ signal }: Context, words: readonly string[]): Promise<void> {
  const entry = join(installationRoot, 'apps', 'server', 'src', 'main.ts');
  const child = spawn(process.execPath, [entry, ...words], { stdio: 'inherit' });
  const hand = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', hand, { once: true });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? exitCodes.internal));
  });
  signal.removeEventListener('abort', hand);
}
