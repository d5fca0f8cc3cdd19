/* Runs one script with the fate of whoever started it: when that one dies, whatever killed it, the pipe on our stdin ends, and the
 * script is asked to stop as by two Ctrl-C (a worker then gives its builds back and ends their processes), and killed when it does
 * not go. What is asked of us by signal is handed on. */
import { spawn } from 'node:child_process';

const killAfterMs = 20_000;

const [script, ...words] = process.argv.slice(2);
if (script === undefined) throw new Error('usage: guard.ts <script> [words…]');
const child = spawn(process.execPath, [script, ...words], { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
child.once('exit', (code) => process.exit(code ?? 1));
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void child.kill(name));

const orphaned = (): void => {
  child.kill('SIGTERM');
  // Two signals at once would be one to a process that has not looked yet.
  setTimeout(() => child.kill('SIGTERM'), 1_000);
  setTimeout(() => child.kill('SIGKILL'), killAfterMs);
};
process.stdin.once('close', orphaned).on('error', () => undefined);
process.stdin.resume();
