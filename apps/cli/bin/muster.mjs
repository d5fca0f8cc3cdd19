#!/usr/bin/env node
// Runs the CLI on Node 24: this one when it is new enough, else the one that came with the installation.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const entry = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src', 'main.ts');
if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Stripped and compiled sources are kept in the temporary folder: `--help` answers in half the time.
  module.enableCompileCache?.();
  await import(entry);
} else {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  let folder = dirname(entry);
  let node;
  while (!node && folder !== dirname(folder)) {
    const found = join(
      folder,
      'node_modules',
      `node-${process.platform === 'win32' ? 'win' : 'linux'}-${process.arch}`,
      'bin',
      name,
    );
    if (existsSync(found)) node = found;
    folder = dirname(folder);
  }
  if (!node) {
    process.stderr.write(`muster needs Node 24 or newer; this is ${process.versions.node}.\n`);
    process.exit(2);
  }
  const run = spawnSync(node, [entry, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(run.status ?? 1);
}
