import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { asError } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';

/* What the build of the console leaves in its folder: one folder for each build, and `current.json`, written last. */

const packed = z.object({
  type: z.string(),
  bytes: z.number().int(),
  gzip: z.number().int().optional(),
  br: z.number().int().optional(),
});
const manifestShape = z.object({ build: z.string().regex(/^[0-9a-f]{12}$/), files: z.record(z.string(), packed) });
type Packed = z.output<typeof packed>;

export type Build = {
  readonly id: string;
  /** The page, as it was built. */
  readonly page: string;
  readonly files: ReadonlyMap<string, Packed>;
};

export type Asset = { type: string; bytes: number; encoding: 'br' | 'gzip' | undefined; open: () => Readable };

/** The newest build there is. A build that comes while the server runs is served from the next page on. */
export class Bundle {
  readonly #folder: string;
  readonly #logger: Logger;
  #readAt = -1;
  #current: Build | undefined;
  #former: Build | undefined;

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  get build(): Build | undefined {
    return this.#current;
  }

  /** Looks whether another build has come. What cannot be read leaves the one before in place. */
  async refresh(): Promise<Build | undefined> {
    const path = join(this.#folder, 'current.json');
    try {
      const { mtimeMs } = await stat(path);
      if (mtimeMs === this.#readAt) return this.#current;
      const { build: id, files } = manifestShape.parse(JSON.parse(await readFile(path, 'utf8')));
      const page = await readFile(join(this.#folder, id, 'index.html'), 'utf8');
      if (this.#current?.id !== id) this.#former = this.#current;
      this.#current = { id, page, files: new Map(Object.entries(files)) };
      this.#readAt = mtimeMs;
    } catch (error) {
      if (!isMissing(error)) this.#logger.warn({ error: asError(error) }, 'the built console could not be read');
    }
    return this.#current;
  }

  /** A built file in the best form the browser takes; also one of the build before, which open pages still ask for. */
  asset(name: string, accepted: string): Asset | undefined {
    for (const build of [this.#current, this.#former]) {
      const file = build?.files.get(name);
      if (!build || !file) continue;
      const path = join(this.#folder, build.id, name);
      for (const [encoding, ending] of [
        ['br', '.br'],
        ['gzip', '.gz'],
      ] as const) {
        const bytes = file[encoding];
        if (bytes === undefined || !takes(accepted, encoding)) continue;
        return { type: file.type, bytes, encoding, open: () => createReadStream(`${path}${ending}`) };
      }
      return { type: file.type, bytes: file.bytes, encoding: undefined, open: () => createReadStream(path) };
    }
    return undefined;
  }

  /** Why there is no build, as far as its making has left word. */
  async whyNone(): Promise<string | undefined> {
    const said = await readFile(join(this.#folder, 'failed.txt'), 'utf8').catch(() => '');
    return said.trim() === '' ? undefined : said.trim().slice(0, 4000);
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Whether `Accept-Encoding` names this one, and not with `q=0`. */
const takes = (accepted: string, encoding: string): boolean =>
  accepted.split(',').some((part) => {
    const [name, ...rest] = part.split(';').map((word) => word.trim().toLowerCase());
    return name === encoding && !rest.some((word) => /^q=0(\.0*)?$/.test(word));
  });
