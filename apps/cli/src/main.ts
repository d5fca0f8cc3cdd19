import { MusterError } from '@muster/protocol/errors';
import { Command, CommanderError } from 'commander';
import type { Wire } from './commands/builds.ts';
import { makeProgram } from './program.ts';
import { type GlobalOptions, makeContext } from './shell/context.ts';
import { Ended, exitCodeOf, exitCodes } from './shell/exit-codes.ts';
import { Output } from './shell/output.ts';

const interrupt = new AbortController();
process.on('SIGINT', () => {
  // The second Ctrl-C does not wait for anybody.
  if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
  interrupt.abort(new Ended(exitCodes.interrupted, 'Interrupted.'));
});
// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? 0 : exitCodes.internal),
);

/** Commander hands positional arguments, options and the command itself; operations want a context instead of the last. */
const wire: Wire = (run) => {
  return async (...args) => {
    const command: unknown = args.at(-1);
    const options = command instanceof Command ? globalsOf(command) : {};
    // What every command understands is in the context; operations see their own options only.
    const own: unknown = args.at(-2);
    if (typeof own === 'object' && own !== null && !Array.isArray(own)) {
      for (const option of program.options) delete (own as Record<string, unknown>)[option.attributeName()];
    }
    await run(makeContext(options, interrupt.signal), ...args);
  };
};

const program = makeProgram(wire);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = tell(error);
}

/** What was said nearest to the command counts; a default counts only where nothing was said. */
function globalsOf(command: Command): GlobalOptions {
  const chain: Command[] = [];
  for (let at: Command | null = command; at; at = at.parent) chain.unshift(at);
  const said: Record<string, unknown> = {};
  for (const at of chain) {
    for (const [name, value] of Object.entries(at.opts())) {
      if (at.getOptionValueSource(name) !== 'default') said[name] = value;
    }
  }
  return said;
}

function tell(error: unknown): number {
  // Commander has already said what was wrong, with the nearest command or flag.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  const options = program.opts<GlobalOptions>();
  const output = new Output({
    json: options.json ?? process.argv.includes('--json'),
    quiet: false,
    color: options.color ?? true,
  });
  if (error instanceof Ended) output.note(error.message);
  else output.error(error);
  if (!(error instanceof MusterError) && !(error instanceof Ended))
    process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
  return exitCodeOf(error);
}
