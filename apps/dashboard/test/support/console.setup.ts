import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { type FoundChromium, findChromium, noChromium } from './find-chromium.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** `null`: these tests are left out, which was asked for. */
    chromium: FoundChromium | null;
  }
}

const root = resolve(import.meta.dirname, '../../../..');

/** Builds the console as `npm start` does, and finds a browser, before the first test file. */
export async function setup(project: TestProject): Promise<void> {
  if (process.env['MUSTER_SKIP_BROWSER'] === '1') {
    if (process.env['CI']) throw new Error('MUSTER_SKIP_BROWSER leaves tests out, which CI must not.');
    process.stderr.write('\nBROWSER TESTS ARE LEFT OUT: MUSTER_SKIP_BROWSER is set.\n\n');
    project.provide('chromium', null);
    return;
  }
  await buildConsole();
  const found = await findChromium();
  if (!found) throw new Error(noChromium);
  process.stderr.write(`browser: ${found.path} (${found.from})\n`);
  project.provide('chromium', found);
}

async function buildConsole(): Promise<void> {
  const door = pathToFileURL(join(root, 'bin/console.mjs')).href;
  const script = `const { prepareConsole } = await import(process.argv[1]); if (!(await prepareConsole(process.execPath))) process.exitCode = 1;`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, door]);
  process.stderr.write(stderr);
}
