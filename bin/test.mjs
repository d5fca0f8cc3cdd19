// `npm test`: everything a fresh machine can run, in the order that fails soonest.
// `npm test -- unit scenario` runs only those groups; words after `--` go to vitest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNode, prepare, root, run } from './prepare.mjs';

await prepare();
const node = findNode();
const groups = ['check', 'unit', 'db', 'scenario', 'crash'];
/** Those of one step share the processors to its end: the last long file of one does not leave half of them idle. */
const steps = [['check'], ['unit', 'db'], ['scenario', 'crash']];
const words = process.argv.slice(2);
const cut = words.indexOf('--');
const asked = cut < 0 ? words : words.slice(0, cut);
const rest = cut < 0 ? [] : words.slice(cut + 1);
const unknown = asked.filter((word) => !groups.includes(word));
if (unknown.length > 0) {
  process.stderr.write(`Unknown group ${unknown.join(', ')}; there are: ${groups.join(', ')}.\n`);
  process.exit(2);
}

/** A run that ended well. One that saw no test, for whatever reason, tested nothing and is no success. */
async function tested(projects) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-test-'));
  const file = join(folder, 'results.json');
  try {
    const reports = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await run(node, [vitest, 'run', ...projects, ...reports, ...rest]);
    if (code !== 0) return code;
    if (JSON.parse(readFileSync(file, 'utf8')).numTotalTests > 0) return 0;
    process.stderr.write('No test ran.\n');
    return 1;
  } catch (error) {
    process.stderr.write(`The run left no results: ${error.message}\n`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const took = [];
for (const step of steps) {
  const wanted = step.filter((group) => asked.length === 0 || asked.includes(group));
  if (wanted.length === 0) continue;
  const name = wanted.join(' + ');
  const began = Date.now();
  process.stdout.write(`\n== ${name}\n`);
  const code =
    name === 'check'
      ? await run(node, [join(root, 'bin', 'check.mjs')])
      : await tested(wanted.flatMap((group) => ['--project', group]));
  took.push(`${name} ${((Date.now() - began) / 1000).toFixed(0)} s`);
  if (code !== 0) {
    process.stdout.write(`\n${name} failed after ${took.at(-1)}\n`);
    process.exit(code);
  }
}
process.stdout.write(`\nAll green: ${took.join(', ')}.\n`);
