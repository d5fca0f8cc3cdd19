// `npm test`: everything a fresh machine can run, in the order that fails soonest.
// `npm test -- unit scenario` runs only those groups; words after `--` go to vitest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNode, prepare, root, run } from './prepare.mjs';

await prepare();
const node = findNode();
const groups = ['check', 'unit', 'db', 'scenario', 'crash', 'browser'];
/** Those of one step share the processors to its end: the last long file of one does not leave half of them idle. */
const steps = [['check'], ['unit', 'db'], ['scenario', 'crash', 'browser']];
const words = process.argv.slice(2);
const cut = words.indexOf('--');
const asked = cut < 0 ? words : words.slice(0, cut);
const rest = cut < 0 ? [] : words.slice(cut + 1);
const unknown = asked.filter((word) => !groups.includes(word));
if (unknown.length > 0) {
  process.stderr.write(`Unknown group ${unknown.join(', ')}; there are: ${groups.join(', ')}.\n`);
  process.exit(2);
}

/**
 * A run that ended well. One that saw no test, for whatever reason, tested nothing and is no success.
 *
 * Tests of real processes and browsers on a busy machine sometimes lose a race that is the test's own. A few files that failed
 * are run once more, one after the other, and named as unsteady with what they said first. Not those of the crash group, which
 * draw their moments: what one of them found is not drawn again. There only waiting in vain is forgiven.
 */
async function tested(projects) {
  const first = await runOnce(projects);
  if (first.code === 0) return 0;
  if (first.failed.length === 0 || first.failed.length > againMax || !first.failed.every(mayRunAgain))
    return first.code;
  const files = first.failed.map(({ file }) => file);
  process.stdout.write(`\nRun once more, alone: ${files.join(', ')}\n`);
  const second = await runOnce([...projects, '--maxWorkers=1', ...files]);
  for (const { file, reasons } of first.failed)
    process.stdout.write(`${second.code === 0 ? 'Unsteady' : 'Failed'}: ${file}: ${reasons[0]?.split('\n')[0]}\n`);
  return second.code;
}

/** More files than this are no accident. */
const againMax = 4;
const waitedInVain = /timed out in \d+ ?ms|not true within \d+ ms|Timeout \d+ms exceeded/;
const drawsItsMoments = /[\\/]test[\\/]crash[\\/]/;
const mayRunAgain = ({ file, reasons }) =>
  !drawsItsMoments.test(file) || reasons.every((reason) => waitedInVain.test(reason));

async function runOnce(words) {
  const folder = mkdtempSync(join(tmpdir(), 'muster-test-'));
  const file = join(folder, 'results.json');
  try {
    const reports = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await run(node, [vitest, 'run', ...words, ...reports, ...rest]);
    const { numTotalTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
    if (numTotalTests === 0) process.stderr.write('No test ran.\n');
    const failed = testResults
      .filter(({ status }) => status === 'failed')
      .map(({ name, message, assertionResults }) => {
        const reasons = assertionResults.flatMap(({ failureMessages }) => failureMessages ?? []);
        // A file that failed outside of its tests says so itself.
        return { file: name, reasons: reasons.length > 0 ? reasons : [message] };
      });
    return { code: code === 0 && numTotalTests === 0 ? 1 : code, failed };
  } catch (error) {
    process.stderr.write(`The run left no results: ${error.message}\n`);
    return { code: 1, failed: [] };
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
