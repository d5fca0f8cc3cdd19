// `npm start`: installs when needed, then runs the server on Node 24. Every flag is a setting (docs/operate/config.md).
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment, findNode, prepare, root, run, runningFile } from './prepare.mjs';

await prepare();
const node = findNode();
const args = process.argv.slice(2);
const demo = args.includes('--demo');
const entry = demo ? join(root, 'examples', 'demo.ts') : join(root, 'apps', 'server', 'src', 'main.ts');

try {
  writeFileSync(runningFile, String(process.pid));
} catch {
  // A read-only clone still runs with --data elsewhere; only the guard against reinstalling beneath it is lost.
}
// The child sees this pipe close when we die, whatever killed us, and shuts down cleanly.
const child = ['--disable-warning=ExperimentalWarning', ...(args.includes('--dev') ? ['--watch'] : []), entry];
const code = await run(node, [...child, ...args.filter((word) => word !== '--demo' && word !== '--dev')], {
  stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  env: { ...environment(node), MUSTER_PARENT_FD: '3' },
});
rmSync(runningFile, { force: true });
process.exit(code);
