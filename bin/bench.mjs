// `npm run bench -- <name>`: runs bench/<name>.ts and prints machine, versions, numbers. Without a name: lists them.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findNode, prepare, root, run, serverFlags } from './prepare.mjs';

await prepare();
const [name, ...rest] = process.argv.slice(2);
const file = join(root, 'bench', `${name}.ts`);
if (!name || !existsSync(file)) {
  const names = readdirSync(join(root, 'bench'))
    .filter((entry) => /^[a-z-]+\.ts$/.test(entry))
    .map((entry) => entry.slice(0, -3));
  process.stderr.write(`Usage: npm run bench -- <name>. There are: ${names.join(', ')}.\n`);
  process.exit(2);
}
process.exit(await run(findNode(), [...serverFlags, '--expose-gc', file, ...rest]));
