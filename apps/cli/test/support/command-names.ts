import type { Command } from 'commander';

/** Every command that does something, with the groups it is in: `builds submit`. */
export const commandNames = (command: Command, before = ''): string[] =>
  command.commands.flatMap((child) =>
    child.commands.length > 0 ? commandNames(child, `${before}${child.name()} `) : [`${before}${child.name()}`],
  );
