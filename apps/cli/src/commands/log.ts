import type { Command } from 'commander';
import type { Context } from '../shell/context.ts';
import { runServerProgram } from '../shell/server-program.ts';
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

const tend = (context: Context, verb: string, words: readonly string[]): Promise<void> =>
  runServerProgram(context, [
    'log',
    verb,
    ...words,
    ...(context.output.json ? ['--json'] : []),
    ...(context.yes ? ['--yes'] : []),
  ]);
