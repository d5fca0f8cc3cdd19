import type { Rolldown } from 'vite';
import type { Packed } from './pack.ts';

/** What a first visit may load, and what any further part may, both packed by gzip (dashboard §2). */
export const budget = { firstLoadBytesMax: 150_000, chunkBytesMax: 60_000 } as const;

export type Sizes = { firstLoad: number; firstFiles: string[]; chunks: Record<string, number> };

type Output = Rolldown.RolldownOutput['output'];
type Chunk = Rolldown.OutputChunk & { viteMetadata?: { importedCss: Set<string> } };

/** What `/` shows at once. The library that draws its chart comes when all of this is on the screen, as a part of its own. */
const firstParts = /\/pages\/overview\/(?:overview-page|throughput)\.tsx$/;

/** The first load is the entry and the overview with all they import; everything else comes when it is asked for. */
export function measure(output: Output, files: Readonly<Record<string, Packed>>): Sizes {
  const chunks = new Map(output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part as Chunk]] : [])));
  const gzipOf = (name: string): number => files[name]?.gzip ?? files[name]?.bytes ?? 0;
  const first = new Set<string>();
  const take = (name: string): void => {
    if (first.has(name)) return;
    first.add(name);
    const chunk = chunks.get(name);
    for (const css of chunk?.viteMetadata?.importedCss ?? []) first.add(css);
    for (const each of chunk?.imports ?? []) take(each);
  };
  for (const chunk of chunks.values())
    if (chunk.isEntry || firstParts.test(chunk.facadeModuleId ?? '')) take(chunk.fileName);
  const rest = Object.keys(files).filter((name) => !first.has(name) && /\.(js|css)$/.test(name));
  return {
    firstLoad: [...first].reduce((sum, name) => sum + gzipOf(name), 0),
    firstFiles: [...first].toSorted(),
    chunks: Object.fromEntries(rest.map((name) => [name, gzipOf(name)])),
  };
}

/** One line for each budget that is exceeded, with the five largest modules; none when all is well. */
export function overBudget({ firstLoad, firstFiles, chunks }: Sizes, output: Output): string[] {
  const lines: string[] = [];
  const told = (files: readonly string[]): void => {
    for (const { name, bytes } of largest(output, files)) lines.push(`  ${String(bytes).padStart(8)}  ${name}`);
  };
  if (firstLoad > budget.firstLoadBytesMax) {
    lines.push(`Over budget: the first load is ${firstLoad} bytes of gzip, ${budget.firstLoadBytesMax} are allowed.`);
    told(firstFiles);
  }
  for (const [name, bytes] of Object.entries(chunks)) {
    if (bytes <= budget.chunkBytesMax) continue;
    lines.push(`Over budget: ${name} is ${bytes} bytes of gzip, ${budget.chunkBytesMax} are allowed.`);
    told([name]);
  }
  return lines;
}

function largest(output: Output, files: readonly string[]): { name: string; bytes: number }[] {
  return output
    .flatMap((part) =>
      part.type === 'chunk' && files.includes(part.fileName)
        ? Object.entries(part.modules).map(([name, { renderedLength }]) => ({ name, bytes: renderedLength }))
        : [],
    )
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, 5);
}
