import { once } from 'node:events';
import { processEnv, readCommandLine, readConfig, runConfigCommand } from '#config';
import { createTelemetry } from '#kernel/telemetry';
import { endNow, explainFailure, stopSignal } from './ending.ts';
import { logForm, noStartLines, startLevel, terminalLines } from './start-lines.ts';

const exit = (code: number): void => process.exit(code);
const { signal, rest } = stopSignal(process.argv.slice(2), exit);
const known = ['--origin', '--migrate-only', '--plan', '--json', '--yes', '--remove-second-factor'];
const given = readCommandLine(rest, ['config', 'log', 'admin'], known);
const { command, flags, switches, problems } = given;
const say = (text: string, code: number): void => {
  process.exitCode = code;
  (code === 0 ? process.stdout : process.stderr).write(text);
};
try {
  if (problems.length > 0) say(`${problems.join('\n')}\n`, 2);
  else if (command[0] === 'config') {
    const said = runConfigCommand(command[1], { env: processEnv(), flags, origin: switches.has('--origin') });
    say(said.text, said.code);
  } else if (command[0] === 'log') await tendLog(command[1]);
  else if (command[0] === 'admin') await tendPeople(command.slice(1));
  else await serve();
} catch (error) {
  const { text, code } = explainFailure(error);
  say(`${text}\n`, code);
}

/** With the server down; its log lines go beside the result. */
async function tendLog(verb: string | undefined): Promise<void> {
  const read = readConfig(processEnv(), flags);
  const { runLogCommand } = await import('./log-command.ts');
  const complain = (text: string): void => void process.stderr.write(text);
  await using telemetry = await createTelemetry({ level: 'warn', form: 'json', write: complain });
  const on = { json: switches.has('--json'), yes: switches.has('--yes') };
  process.exitCode = await runLogCommand(read, telemetry, { verb, ...on, say: (text) => say(text, 0), complain });
}

/** Whether or not the server runs; its log lines go beside the result. */
async function tendPeople(words: readonly string[]): Promise<void> {
  const read = readConfig(processEnv(), flags);
  const { runAdminCommand } = await import('./admin-command.ts');
  const complain = (text: string): void => void process.stderr.write(text);
  await using telemetry = await createTelemetry({ level: 'error', form: 'json', write: complain });
  const on = { json: switches.has('--json'), removeSecondFactor: switches.has('--remove-second-factor') };
  process.exitCode = await runAdminCommand(read, telemetry, { words, ...on, say: (text) => say(text, 0), complain });
}

async function serve(): Promise<void> {
  const read = readConfig(processEnv(), flags);
  // Loaded only now: a wrong setting is said at once.
  const { compose, migrateOnly } = await import('./compose.ts');
  const terminal = process.stdout.isTTY;
  const { logLevel, logFormat } = read.config.base;
  const start = { level: startLevel(logLevel, terminal), form: logForm(logFormat, terminal) };
  await using telemetry = await createTelemetry(start);
  const lines = terminal ? terminalLines((text) => process.stdout.write(text)) : noStartLines;
  const plan = switches.has('--plan') ? (text: string) => say(text, 0) : undefined;
  if (switches.has('--migrate-only')) return migrateOnly(read, telemetry, { lines, plan });
  await using _ = await compose(read, telemetry, { lines, fatal: endNow(telemetry.logger, exit) });
  telemetry.logger.setLevel(logLevel);
  if (!signal.aborted) await once(signal, 'abort');
}
