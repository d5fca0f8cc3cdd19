import { lstat, readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { buildLimits } from '@muster/protocol';
import picomatch from 'picomatch';
import { BuildFailure } from './build-failure.ts';
import type { JobFolder } from './job-folder.ts';
import type { OutcomeFile } from './state-file.ts';

/** A walk that meets more than this many entries ends: the patterns are too wide to be meant. */
const entriesMax = 500_000;
const nameCharsMax = 120;

export type ArtifactLimits = { artifactBytesMax: number };

/**
 * The files a build leaves, in order: those the patterns name below the working folder, pattern by pattern and then by
 * path, and everything in MUSTER_ARTIFACTS_DIR. Links are neither taken nor followed. The first one is the primary.
 */
export async function findArtifacts(
  folder: JobFolder,
  patterns: readonly string[],
  limits: ArtifactLimits,
): Promise<OutcomeFile[]> {
  const counter = { left: entriesMax };
  const found = new Map<string, string>();
  const taken = new Set<string>();
  const take = (path: string, base: string): void => {
    if (taken.has(path)) return;
    taken.add(path);
    found.set(freeName(relative(base, path), found), path);
  };
  if (patterns.length > 0) {
    const below = (await filesBelow(folder.work, counter)).map((path) => relative(folder.work, path));
    for (const pattern of patterns) {
      const matches = picomatch(cleaned(pattern), { dot: true });
      for (const path of below) if (matches(path)) take(join(folder.work, path), folder.work);
    }
  }
  for (const path of await filesBelow(folder.artifacts, counter)) take(path, folder.artifacts);
  if (found.size > buildLimits.artifactsPerBuildMax) {
    throw new BuildFailure(
      'artifact_too_large',
      `the build leaves ${found.size} artifacts, ${buildLimits.artifactsPerBuildMax} is the limit; pack them into one, or name fewer`,
    );
  }
  const files = [...found].map(([name, path]) => ({ name, path }));
  await checkSizes(files, limits);
  return files;
}

async function checkSizes(files: readonly OutcomeFile[], limits: ArtifactLimits): Promise<void> {
  let all = 0;
  for (const { name, path } of files) {
    const { size } = await lstat(path);
    all += size;
    if (size > limits.artifactBytesMax)
      throw new BuildFailure(
        'artifact_too_large',
        `${name} has ${size} bytes, ${limits.artifactBytesMax} is the limit`,
      );
  }
  if (all > buildLimits.artifactsBytesMax) {
    throw new BuildFailure(
      'artifact_too_large',
      `the artifacts have ${all} bytes in all, ${buildLimits.artifactsBytesMax} is the limit`,
    );
  }
}

async function filesBelow(root: string, counter: { left: number }): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(root, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    counter.left -= 1;
    if (counter.left < 0)
      throw new BuildFailure(
        'artifact_missing',
        `the build leaves more than ${entriesMax} files; artifacts are looked for among at most so many`,
      );
    const path = join(root, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path, counter)));
    else if (entry.isFile()) found.push(path);
  }
  return found;
}

/** `./dist/*.tgz` means what `dist/*.tgz` means. */
const cleaned = (pattern: string): string => pattern.replace(/^(?:\.\/)+/, '');

/** The file's own name if it is free, else with its folders, else with a number; always one the server takes. */
function freeName(path: string, used: ReadonlyMap<string, string>): string {
  for (const wanted of [artifactName(basename(path)), artifactName(path)]) if (!used.has(wanted)) return wanted;
  for (let number = 2; ; number += 1) {
    const wanted = artifactName(`${number}-${basename(path)}`);
    if (!used.has(wanted)) return wanted;
  }
}

/** Letters, digits and `._-`, no dot in front, at most 120; the end is kept, as it says what the file is. */
export const artifactName = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .slice(-nameCharsMax)
    .replace(/^\.+/, '') || 'artifact';
