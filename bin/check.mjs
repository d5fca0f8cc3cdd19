// `npm run check`: types, format, lint, dead code and house rules; `npm run fix` repairs what can be repaired.
import { join } from 'node:path';
import { findNode, prepare, root, run } from './prepare.mjs';

await prepare();
const node = findNode();
const fix = process.argv.includes('--fix');
const tool = (...path) => join(root, 'node_modules', ...path);
const steps = [
  [
    'format',
    [tool('@biomejs', 'biome', 'bin', 'biome'), 'check', ...(fix ? ['--write'] : []), '--max-diagnostics=20', '.'],
  ],
  ['lint', [tool('oxlint', 'bin', 'oxlint'), '--type-aware', '--quiet', ...(fix ? ['--fix'] : [])]],
  ['types', [tool('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json']],
  ['types of the console', [tool('typescript', 'bin', 'tsc'), '-p', join('apps', 'dashboard', 'tsconfig.json')]],
  ['types of its tests', [tool('typescript', 'bin', 'tsc'), '-p', join('apps', 'dashboard', 'test', 'tsconfig.json')]],
  ['dead code', [tool('knip', 'bin', 'knip.js'), '--no-progress']],
  ['house rules', [tool('vitest', 'vitest.mjs'), 'run', '--project', 'tidy']],
];
let failed = 0;
for (const [name, args] of steps) {
  const began = Date.now();
  const code = await run(node, args);
  process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
  if (code !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
