import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Context, installationRoot } from '../shell/context.ts';
import { exitCodes } from '../shell/exit-codes.ts';
import type { Wire } from './builds.ts';

/** The write-ahead log of this machine, with its server down. The server's own program does it; every flag is a setting of it. */
export function addLog(program: Command, wire: Wire): void {
  const log = program.command('log').description('the write-ahead log of a server on this machine, while it is down');

  onMachine(log, 'inspect')
    .description('what a start would find, and what would be lost; changes nothing')
    .addHelpText('after', '\nExample:\n  muster log inspect --data ./data')
    .action(wire((context, words: string[]) => tend(context, 'inspect', words)));

  onMachine(log, 'accept-loss')
    .description('start again without what is damaged, or with a database from another time')
    .addHelpText('after', '\nExample:\n  muster log accept-loss --data ./data')
    .action(wire((context, words: string[]) => tend(context, 'accept-loss', words)));
}

const onMachine = (log: Command, name: string): Command =>
  log.command(name).allowUnknownOption().argument('[settings...]', 'settings of the server, such as --data ./data');

async function tend(context: Context, verb: string, words: string[]): Promise<void> {
  const entry = join(installationRoot, 'apps', 'server', 'src', 'main.ts');
  const flags = [...(context.output.json ? ['--json'] : []), ...(context.yes ? ['--yes'] : [])];
  const child = spawn(process.execPath, [entry, 'log', verb, ...words, ...flags], { stdio: 'inherit' });
  const hand = (): void => void child.kill('SIGTERM');
  context.signal.addEventListener('abort', hand, { once: true });
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? exitCodes.internal));
  });
  context.signal.removeEventListener('abort', hand);
  // What there is to say was said already.
  process.exitCode = code;
}
