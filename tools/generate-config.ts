import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { configPage, envExample } from '../apps/server/src/config/index.ts';

/** The files made from the schema of the settings, by path from the root of the repository. */
export const generated = (): Readonly<Record<string, string>> => ({
  '.env.example': envExample(),
  'docs/operate/config.md': configPage(),
});

export const pathOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of Object.entries(generated())) {
    const old = await readFile(pathOf(file), 'utf8').catch(() => undefined);
    if (old === text) continue;
    await writeFile(pathOf(file), text);
    console.log(`wrote ${file}`);
  }
}
