import type { Command } from 'commander';
import type { Context } from '../shell/context.ts';
import { runServerProgram } from '../shell/server-program.ts';
import type { Wire } from './builds.ts';

/** People of a server on this machine, without the network: with the rights of whoever may read its data folder. */
export function addAdmin(program: Command, wire: Wire): void {
  const admin = program
    .command('admin')
    .description('people of a server on this machine, also when nobody can sign in');

  onMachine(admin, 'list')
    .description('everybody there is')
    .addHelpText('after', '\nExample:\n  muster admin list --data ./data')
    .action(wire((context, words: string[]) => tend(context, ['list', ...words])));

  onMachine(admin, 'create', '<email>')
    .description('another administrator; prints a link to choose a password')
    .addHelpText('after', '\nExample:\n  muster admin create ada@example.com "Ada Lovelace" --data ./data')
    .action(wire((context, email: string, words: string[]) => tend(context, ['create', email, ...words])));

  onMachine(admin, 'reset-password', '<email>')
    .description('a link to choose a new password; --remove-second-factor for a lost authenticator')
    .addHelpText('after', '\nExample:\n  muster admin reset-password ada@example.com --data ./data')
    .action(wire((context, email: string, words: string[]) => tend(context, ['reset-password', email, ...words])));

  onMachine(admin, 'end-sign-ins', '<email>')
    .description('end every browser somebody is signed in on')
    .addHelpText('after', '\nExample:\n  muster admin end-sign-ins ada@example.com --data ./data')
    .action(wire((context, email: string, words: string[]) => tend(context, ['end-sign-ins', email, ...words])));

  onMachine(admin, 'promote', '<email>')
    .description('make somebody an administrator of the installation')
    .addHelpText('after', '\nExample:\n  muster admin promote ada@example.com --data ./data')
    .action(wire((context, email: string, words: string[]) => tend(context, ['promote', email, ...words])));

  onMachine(admin, 'unlock')
    .description('forget wrong passwords and codes, so that nobody has to wait')
    .addHelpText('after', '\nExample:\n  muster admin unlock --data ./data')
    .action(wire((context, words: string[]) => tend(context, ['unlock', ...words])));
}

function onMachine(admin: Command, name: string, ...takes: string[]): Command {
  const command = admin.command(name).allowUnknownOption();
  for (const one of takes) command.argument(one);
  return command.argument('[settings...]', 'settings of the server, such as --data ./data');
}

const tend = (context: Context, words: readonly string[]): Promise<void> =>
  runServerProgram(context, ['admin', ...words, ...(context.output.json ? ['--json'] : [])]);
