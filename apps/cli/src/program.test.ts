import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { makeProgram } from './program.ts';

const asked: string[] = [];
/** Says which command an action belongs to, and does nothing. */
const program = makeProgram(() => async (...args: unknown[]) => {
  asked.push(nameOf(args.at(-1) as Command));
});
const nameOf = (command: Command): string =>
  command.parent ? `${nameOf(command.parent)} ${command.name()}`.trim() : 'muster';
const leaves = (command: Command): Command[] =>
  command.commands.length > 0 ? command.commands.flatMap((child) => leaves(child)) : [command];
/** `muster worker …` hands its words on; its help is that of muster-worker. */
const commands = leaves(program).filter((command) => !nameOf(command).startsWith('muster worker '));

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => void (text += more) });
  command.outputHelp();
  return text;
}
const examplesOf = (text: string): string[] =>
  (text.split('Example:\n')[1] ?? '').split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

test('there are as many commands as one would think', () => {
  expect(commands.length).toBeGreaterThan(30);
});

test.each(commands.map((command) => [nameOf(command), command] as const))(
  '%s has an example that is right',
  async (name, command) => {
    const examples = examplesOf(helpOf(command));
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      const [first, ...words] = wordsOf(example);
      expect(first).toBe('muster');
      asked.length = 0;
      await program.parseAsync(words, { from: 'user' });
      expect(asked).toEqual([name]);
    }
  },
);

test('an unknown word names the nearest, and ends with 2', () => {
  for (const [words, near] of [
    [['statu'], 'status'],
    [['keys', 'revok'], 'revoke'],
    [['builds', 'list', '--stat', 'queued'], '--state'],
  ] as const) {
    const { status, stderr, stdout } = run(words);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`Did you mean ${near}?`);
  }
});

test('help loads none of the modules that only some commands need', () => {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) => { const found = next(name, context); process.stderr.write(found.url + '\\n'); return found; } });`;
  const { stderr, status } = run(['--help'], `--import=data:text/javascript,${encodeURIComponent(hook)}`);
  expect(status).toBe(0);
  expect(stderr).toContain('/program.ts');
  expect(stderr.split('\n').filter((url) => /\/(zod|tar-stream|@clack|fastify|pg)\//.test(url))).toEqual([]);
});

function run(words: readonly string[], ...flags: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...flags, join(import.meta.dirname, 'main.ts'), ...words], { encoding: 'utf8' });
}
