/* The commands of a documentation page, and a way to run them in order as a reader would type them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { until } from '#test/until';

/** `kind` is the info string after the language: `run`, `run background`, `shown: why`, `file=name`. */
export type Snippet = { language: string; kind: string; line: number; code: string };

/** Every fenced block of a page. */
export function snippetsOf(markdown: string): Snippet[] {
  const found: Snippet[] = [];
  let open: { language: string; kind: string; line: number; code: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^\s*```(\w*)\s*(.*)$/.exec(line);
    if (!fence) open?.code.push(line);
    else if (open) {
      found.push({ ...open, code: open.code.join('\n') });
      open = undefined;
    } else open = { language: fence[1] ?? '', kind: (fence[2] ?? '').trim(), line: index + 1, code: [] };
  }
  if (open) throw new Error(`the block that begins in line ${open.line} is never closed`);
  return found;
}

/** What the lines `# → text` of a block say its output must hold, in this order. */
export const expectedOf = (code: string): string[] =>
  code.split('\n').flatMap((line) => (line.startsWith('# → ') ? [line.slice('# → '.length)] : []));

export type Ran = { line: number; code: string; output: string; expected: readonly string[] };

/**
 * Runs the `sh run` blocks of a page in one shell, so that later blocks see the variables of earlier ones; stops at the
 * first that fails. `background` blocks run beside it until the end. `ts file=…` blocks become files. Throws with the
 * block and its output when one fails, or when the page takes longer than `msMax`.
 */
export async function runPage(
  markdown: string,
  folder: string,
  env: Readonly<Record<string, string>>,
  msMax: number,
): Promise<Ran[]> {
  const snippets = snippetsOf(markdown);
  for (const { kind, code } of snippets) {
    const name = /^file=([a-z.-]+)$/.exec(kind)?.[1];
    if (name) await writeFile(join(folder, name), `${code}\n`);
  }
  const blocks = snippets.filter(({ language, kind }) => language === 'sh' && kind.startsWith('run'));
  const outputs = join(folder, '.outputs');
  await mkdir(outputs);
  await writeFile(join(outputs, 'page.sh'), scriptOf(blocks));
  const shell = spawn('sh', [join(outputs, 'page.sh')], { cwd: folder, env, detached: true, stdio: 'ignore' });
  const group = shell.pid ?? 0;
  try {
    const [code] = (await Promise.race([
      once(shell, 'exit'),
      once(AbortSignal.timeout(msMax), 'abort').then(() => [`no end after ${msMax / 1000} s`]),
    ])) as [number | string | null];
    await endGroup(group);
    const ran = await Promise.all(blocks.map((block, n) => readBlock(block, n, outputs)));
    if (code === 0) return ran;
    const last = ran.findLast((block) => block.output !== notReached && block.kind === 'run');
    const beside = ran.filter((block) => block.kind !== 'run').map((block) => block.output);
    throw new Error(
      `the block in line ${last?.line} ended with ${code}:\n${last?.code}\n---\n${last?.output}\n--- beside it\n${beside.join('\n')}`,
    );
  } finally {
    await endGroup(group);
  }
}

const notReached = '(not reached)';

/** Braces and not a subshell: what a block sets stays. */
function scriptOf(blocks: readonly Snippet[]): string {
  const parts = blocks.map(({ kind, code }, n) => {
    const to = `> "$OUTPUTS/${n}" 2>&1`;
    return kind === 'run' ? `{\n${code}\n} ${to}` : `{\n${code}\n} ${to} &`;
  });
  return `set -e\nOUTPUTS="$PWD/.outputs"\n${parts.join('\n')}\nexit 0\n`;
}

async function readBlock({ kind, line, code }: Snippet, n: number, outputs: string): Promise<Ran & { kind: string }> {
  const output = await readFile(join(outputs, String(n)), 'utf8').catch(() => notReached);
  return { kind, line, code, output, expected: expectedOf(code) };
}

/** Everything the page left running: asked first, killed when it does not go. */
async function endGroup(group: number): Promise<void> {
  if (group === 0 || !signal(group, 'SIGTERM')) return;
  await until(() => !signal(group, 0), { withinMs: 10_000 }).catch(() => signal(group, 'SIGKILL'));
}

function signal(group: number, what: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, what);
  } catch {
    return false;
  }
}

/** `muster` and `muster-worker` of this repository as commands, and its packages for snippets that import them. */
export async function makeShims(root: string, folder: string): Promise<string> {
  const bin = join(folder, '.bin');
  await mkdir(bin);
  const shims = { muster: 'apps/cli/bin/muster.mjs', 'muster-worker': 'packages/worker/bin/muster-worker.mjs' };
  for (const [name, entry] of Object.entries(shims)) {
    await writeFile(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" "${join(root, entry)}" "$@"\n`, {
      mode: 0o755,
    });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return [bin, dirname(process.execPath), process.env['PATH']].join(':');
}
