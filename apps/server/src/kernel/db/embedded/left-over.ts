import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCluster } from './cluster-version.ts';
import { readIfThere, writeWhole } from './files.ts';

/** In a home outside its data folder: the path of that folder, so that somebody can tell whose it was. */
const originName = 'origin';

export async function noteOrigin(home: string, dataDir: string): Promise<void> {
  const file = join(home, originName);
  if ((await readIfThere(file)) !== `${dataDir}\n`) await writeWhole(file, `${dataDir}\n`, 0o600);
}

/**
 * Homes beside this one whose data folder is gone or now points elsewhere: nobody will start them again. Removing a data
 * folder leaves them behind, and only its owner can know that it was meant. Homes without a note are left out.
 */
export async function leftOver(home: string, pointerName: string): Promise<string[]> {
  const parent = dirname(home);
  const found: string[] = [];
  for (const name of await readdir(parent)) {
    const other = join(parent, name);
    if (other === home || !(await hasCluster(other))) continue;
    const origin = (await readIfThere(join(other, originName)))?.trimEnd();
    if (origin === undefined) continue;
    const pointed = (await readIfThere(join(origin, pointerName)))?.split('\n')[0];
    if (pointed !== other) found.push(other);
  }
  return found.sort();
}
