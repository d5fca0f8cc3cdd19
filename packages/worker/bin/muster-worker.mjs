#!/usr/bin/env node
// Starts the worker on Node 24. A machine's own Node may be older: then the one that came with the installation
// (node_modules/.bin/node, looked for upward from here) runs this file again.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nodeMajorMin = 24;
const here = fileURLToPath(import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) {
  await run();
} else {
  again();
}

async function run() {
  // Set by `again`: when the old Node that stands before us is killed, so are we, as a killed worker would be.
  if (process.env.MUSTER_WORKER_WRAPPED && process.channel) {
    process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
    process.channel.unref();
  }
  delete process.env.MUSTER_WORKER_WRAPPED;
  // Halves the start; older than Node 22 there is none, and there is no `run` either.
  nodeModule.enableCompileCache?.();
  const built = new URL('../dist/cli.js', import.meta.url);
  const { main } = await import(existsSync(built) ? built.href : '../src/cli.ts');
  process.exitCode = await main(process.argv.slice(2));
}

function again() {
  const node = pinnedNode();
  if (node === undefined) {
    process.stderr.write(`muster-worker needs Node ${nodeMajorMin} or newer; this is ${process.versions.node}\n`);
    process.exitCode = 1;
    return;
  }
  const child = spawn(node, [here, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, MUSTER_WORKER_WRAPPED: '1' },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C reaches the whole foreground group: the child has it already, and twice means "give the builds back".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`${node}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128 + 9);
  });
}

function pinnedNode() {
  for (let dir = dirname(here); ; dir = dirname(dir)) {
    const node = join(dir, 'node_modules', '.bin', 'node');
    if (existsSync(node)) return node;
    if (dirname(dir) === dir) return undefined;
  }
}
