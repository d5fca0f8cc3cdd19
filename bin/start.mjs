// `npm start`: installs when needed, then runs the server on Node 24. Every flag is a setting (docs/operate/config.md).
// `npm run demo`: the same with a worker and a trickle of builds, in ./data-demo.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareConsole } from './console.mjs';
import { findNode, prepare, root, run, runningFile, serverFlags } from './prepare.mjs';

await prepare();
const args = process.argv.slice(2);
const ours = ['--demo', '--dev'];
const rest = args.filter((word) => !ours.includes(word));
const node = findNode();
// Only a server that listens needs the console: not a migration, nor a command of `config` and `log`.
if (!rest.includes('--migrate-only') && !['config', 'log'].includes(rest[0])) await prepareConsole(node);
const entry = args.includes('--demo')
  ? [join(root, 'apps', 'cli', 'src', 'main.ts'), 'demo', ...rest]
  : // The server sees this pipe close when we die, whatever killed us, and shuts down cleanly.
    [join(root, 'apps', 'server', 'src', 'main.ts'), ...rest, '--parent-fd', '3'];

try {
  writeFileSync(runningFile, String(process.pid));
} catch {
  // A read-only clone still runs with --data elsewhere; only the guard against reinstalling beneath it is lost.
}
const code = await run(node, [...serverFlags, ...(args.includes('--dev') ? ['--watch'] : []), ...entry], {
  stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
});
rmSync(runningFile, { force: true });
process.exit(code);
