import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** One built file as it is served. `gzip` and `br` are sizes; absent where packing does not pay. */
export type Packed = { type: string; bytes: number; gzip?: number; br?: number };

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json; charset=utf-8',
};

const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };

/** Writes `.gz` and `.br` beside every file below `folder` and lists what is there, by path from it. */
export async function pack(folder: string): Promise<Record<string, Packed>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const packed = await Promise.all(paths.map(async (path) => [pathIn(folder, path), await packOne(path)] as const));
  return Object.fromEntries(packed.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const pathIn = (folder: string, path: string): string => relative(folder, path).replaceAll(sep, '/');

async function packOne(path: string): Promise<Packed> {
  const type = types[extname(path)];
  if (type === undefined) throw new Error(`${path}: no content type is known for this kind of file; add it to pack.ts`);
  const bytes = await readFile(path);
  // The page itself is written anew for each request.
  if (path.endsWith('.html')) return { type, bytes: bytes.length };
  const [zipped, brotlied] = await Promise.all([
    promisify(gzip)(bytes, { level: 9 }),
    promisify(brotliCompress)(bytes, brotli),
  ]);
  const sizes: Packed = { type, bytes: bytes.length };
  if (zipped.length < bytes.length) {
    await writeFile(`${path}.gz`, zipped);
    sizes.gzip = zipped.length;
  }
  if (brotlied.length < bytes.length) {
    await writeFile(`${path}.br`, brotlied);
    sizes.br = brotlied.length;
  }
  return sizes;
}
