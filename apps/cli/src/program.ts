import { Command } from 'commander';
import { addAdmin } from './commands/admin.ts';
import { addBuilds, type Wire } from './commands/builds.ts';
import { addDemo } from './commands/demo.ts';
import { addGallery } from './commands/gallery.ts';
import { addKeys } from './commands/keys.ts';
import { addLog } from './commands/log.ts';
import { addQueues } from './commands/queues.ts';
import { addRunning } from './commands/running.ts';
import { addStreams } from './commands/streams.ts';
import { addSystem } from './commands/system.ts';
import { addWorkers } from './commands/workers.ts';
import { version } from './shell/context.ts';

/** Every command with its help. `wire` turns an operation into what commander calls. */
export function makeProgram(wire: Wire): Command {
  const program = new Command('muster')
    .description('Muster: one control plane for fleets of software that acts on its own')
    .version(version)
    .option('--server <url>', 'which server (MUSTER_URL; http://127.0.0.1:4000)')
    .option('--key <key>', 'API key; - reads it from stdin (MUSTER_API_KEY)')
    .option('--json', 'results as JSON, one object a line')
    .option('-q, --quiet', 'results only')
    .option('--no-color', 'plain text (NO_COLOR)')
    .option('-y, --yes', 'do not ask')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride();
  addSystem(program, wire);
  addRunning(program, wire);
  addBuilds(program, wire);
  addWorkers(program, wire);
  addQueues(program, wire);
  addGallery(program, wire);
  addStreams(program, wire);
  addLog(program, wire);
  addKeys(program, wire);
  addAdmin(program, wire);
  addDemo(program, wire);
  globalsEverywhere(program, program);
  return program;
}

/** `--json` and its like may stand behind any command, as people type them. */
function globalsEverywhere(program: Command, command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    for (const option of program.options) {
      if (
        option.long === '--version' ||
        child.options.some((own) => own.long === option.long || (own.short && own.short === option.short))
      )
        continue;
      child.addOption(option);
    }
    globalsEverywhere(program, child);
  }
}
