import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { expectedOf, makeShims, runPage, snippetsOf } from '#test/doc-snippets';
import { startServer } from '#test/server';
import { describeServer } from '../../../../tools/describe-server.ts';
import { reference } from '../../../../tools/generate-reference.ts';
import { makeProgram } from '../../../cli/src/program.ts';

/* Every command of the README and the guides is run as a reader would type it, against the real server. */

const root = resolve(import.meta.dirname, '../../../..');
const inFolder = async (folder: string): Promise<string[]> =>
  (await readdir(join(root, folder))).map((name) => `${folder}/${name}`);
const pages = ['README.md', ...(await inFolder('docs/guides')), ...(await inFolder('docs/operate'))];
const texts = new Map(
  await Promise.all(pages.map(async (page) => [page, await readFile(join(root, page), 'utf8')] as const)),
);
const textOf = (page: string): string => texts.get(page) ?? '';
const runnable = pages.filter((page) => snippetsOf(textOf(page)).some(({ kind }) => kind === 'run'));
/** A few seconds on a quiet machine. */
const pageMsMax = 150_000;
const tools = ['sh', 'curl', 'tar'];
const run = promisify(execFile);

const missing = (
  await Promise.all(
    tools.map(async (tool) =>
      run('sh', ['-c', `command -v ${tool}`]).then(
        () => [],
        () => [tool],
      ),
    ),
  )
).flat();
if (missing.length > 0) {
  const text = `the guides use ${missing.join(', ')}, which this machine does not have`;
  if (process.env['CI']) throw new Error(text);
  process.stderr.write(`skipped: ${text}\n`);
}

describe.skipIf(missing.length > 0)('commands do what the page says', () => {
  test.each(runnable)('%s', { timeout: pageMsMax + 30_000 }, async (page) => {
    await using undo = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'muster-docs-'));
    undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const server = undo.use(await startServer({ env: { MUSTER_BUILDS_FREE_BYTES_MIN: '0' } }));
    await cp(join(root, 'examples/build-npm-project'), join(folder, 'examples/build-npm-project'), { recursive: true });
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data/first-key'), server.key);
    const env = {
      PATH: await makeShims(root, folder),
      HOME: folder,
      LANG: 'C.UTF-8',
      MUSTER_URL: server.url,
      MUSTER_API_KEY: server.key,
    };
    const ran = await runPage(textOf(page), folder, env, pageMsMax);
    expect(ran.length).toBeGreaterThan(0);
    for (const { line, code, output, expected } of ran) {
      let from = 0;
      for (const text of expected) {
        const at = output.indexOf(text, from);
        expect(at, `${page}:${line} does not print ${JSON.stringify(text)}\n${code}\n---\n${output}`).not.toBe(-1);
        from = at + text.length;
      }
    }
  });
});

test('every shell block says whether it is run, and why not', () => {
  const wrong = pages.flatMap((page) =>
    snippetsOf(textOf(page))
      .filter(({ language, kind }) => language === 'sh' && !/^(run|run background|shown: .+)$/.test(kind))
      .map(({ kind, line }) => `${page}:${line} ${kind}`),
  );
  expect(wrong).toEqual([]);
  expect(runnable).toEqual(expect.arrayContaining(['README.md', 'docs/guides/builds.md', 'docs/guides/workers.md']));
});

test('every command of muster that a page names exists', () => {
  const named = pages.flatMap((page) =>
    [...textOf(page).matchAll(/(?:^|[`(]|npx )muster ((?:[a-z][a-z-]* ?){1,2})/gm)].map(([, words = '']) => ({
      page,
      command: words.trim(),
    })),
  );
  const commands = [...new Set(named.map(({ command }) => command))];
  expect(commands.length).toBeGreaterThan(10);
  const program = makeProgram(() => () => Promise.resolve());
  expect(named.filter(({ command }) => !exists(program, command.split(' ')))).toEqual([]);
});

/** One word may be a command and the next its argument. */
function exists(
  { commands }: Pick<ReturnType<typeof makeProgram>, 'commands'>,
  [word, ...rest]: readonly string[],
): boolean {
  const found = commands.find((command) => [command.name(), ...command.aliases()].includes(word ?? ''));
  return found !== undefined && (rest.length === 0 || found.commands.length === 0 || exists(found, rest));
}

test('limits and metrics are what a running server says', async () => {
  for (const [path, text] of Object.entries(reference(await describeServer())))
    expect(textOf(path), 'run: node tools/generate-reference.ts').toBe(text);
});

test('expected lines are read from the block', () => {
  expect(expectedOf('echo a\n# → a\n  # → not at the margin\n# a comment')).toEqual(['a']);
});
