/**
 * Builds the console: `node build.ts <folder> <stamp>`. The folder then holds one folder for each of the last two builds and
 * `current.json`, which names the one to serve; it is written last, so a build that is cut off changes nothing.
 */
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Rolldown } from 'vite';
import { measure, overBudget } from './budget.ts';
import { pack } from './pack.ts';

const [folder, stamp] = process.argv.slice(2);
if (folder === undefined || stamp === undefined) throw new Error('usage: node build.ts <folder> <stamp>');

const id = stamp.slice(0, 12);
const into = join(folder, id);
const built = await build({
  configFile: join(import.meta.dirname, '../vite.config.ts'),
  logLevel: 'warn',
  build: { outDir: into, emptyOutDir: true },
});
const { output } = Array.isArray(built) ? onlyOne(built) : (built as Rolldown.RolldownOutput);
const files = await pack(into);
const sizes = measure(output, files);
await writeFile(join(folder, 'current.json.new'), JSON.stringify({ build: id, stamp, files, sizes }));
const former = await formerBuilds();
await rename(join(folder, 'current.json.new'), join(folder, 'current.json'));
// Pages that are open now still load from the build before.
for (const old of former.slice(1)) await rm(join(folder, old), { recursive: true, force: true });
for (const line of overBudget(sizes, output)) process.stderr.write(`${line}\n`);

function onlyOne(all: readonly Rolldown.RolldownOutput[]): Rolldown.RolldownOutput {
  const [one] = all;
  if (!one || all.length !== 1) throw new Error(`expected one output, got ${all.length}`);
  return one;
}

/** Other builds in the folder, newest first. */
async function formerBuilds(): Promise<string[]> {
  const names = (await readdir(folder ?? '')).filter((name) => /^[0-9a-f]{12}$/.test(name) && name !== id);
  const dated = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder ?? '', name))).mtimeMs })),
  );
  return dated.toSorted((a, b) => b.at - a.at).map(({ name }) => name);
}
