import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { exhausted, MusterError, notFound } from '#kernel/base';
import { type BlobStore, putBlob } from '#kernel/blobs';
import type { SandboxDeps } from './deps.ts';
import { sandboxLimits as limits } from './limits.ts';

export const pngWidths = [256, 512, 1024, 2048] as const;
export type PngWidth = (typeof pngWidths)[number];

/** Where the drawing of these bytes lies. `sha256`: 64 hex digits. */
export const sceneBlobKey = (sha256: string): string => `gallery/scenes/${sha256}`;
/** Where browsers and other galleries find it, below the base of this server. */
export const scenePath = (sha256: string): string => `/sandbox/images/${sha256}.svg`;
const photoBlobKey = (sha256: string): string => `gallery/pictures/${sha256}`;
const pngBlobKey = (sha256: string, width: number): string => `gallery/png/${sha256}-${width}`;
export const picturePath = (form: 'svg' | 'png', sha256: string): string => `/sandbox/images/${sha256}.${form}`;

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  // The store takes over the memory of what it is given.
  yield Uint8Array.from(bytes);
}

type Size = { width: number; height: number };
const sizesMax = 10_000;

/** By the viewBox in the first words of a drawing. */
function sizeOf(svg: Uint8Array): Size {
  const head = Buffer.from(svg.subarray(0, 400)).toString('utf8');
  const [, width, height] = /viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"/.exec(head) ?? [];
  return { width: Math.round(Number(width ?? 1_000)), height: Math.round(Number(height ?? 1_000)) };
}

/** Pictures by what they are: drawings, clean PNGs of uploads, and PNGs of drawings made when first looked at. */
export class Pictures {
  readonly #blobs: BlobStore;
  readonly #raster: SandboxDeps['raster'];
  readonly #sizes = new Map<string, Size>();
  readonly #making = new Map<string, Promise<Uint8Array>>();
  /** On their way to the disk while a day is lived in seconds; whoever is about to show one waits for it. */
  readonly #storing = new Map<string, Promise<void>>();
  readonly #hurried: () => boolean;

  constructor({ blobs, raster, fleet }: Pick<SandboxDeps, 'blobs' | 'raster' | 'fleet'>) {
    this.#blobs = blobs;
    this.#raster = raster;
    this.#hurried = fleet?.hurried ?? (() => false);
  }

  /** PNGs being made now. */
  get making(): number {
    return this.#making.size;
  }

  async storeScene(svg: string | Uint8Array): Promise<string> {
    const bytes = typeof svg === 'string' ? new TextEncoder().encode(svg) : svg;
    const sha256 = await this.#store(sceneBlobKey, bytes);
    this.#remember(sha256, bytes);
    return sha256;
  }

  /** Width and height of a drawing, in its own units. `notFound` `no_such_image`. */
  async sceneSize(sha256: string): Promise<Size> {
    return this.#sizes.get(sha256) ?? this.#remember(sha256, await this.read('svg', sha256));
  }

  #remember(sha256: string, bytes: Uint8Array): Size {
    const size = sizeOf(bytes);
    if (this.#sizes.size >= sizesMax) this.#sizes.clear();
    this.#sizes.set(sha256, size);
    return size;
  }

  /** A PNG that went through our own drawing already. */
  storePng(png: Uint8Array): Promise<string> {
    return this.#store(photoBlobKey, png);
  }

  async #store(keyOf: (sha256: string) => string, bytes: Uint8Array): Promise<string> {
    const sha256 = sha256Of(bytes);
    const key = keyOf(sha256);
    const storing = this.#storing.get(key) ?? this.#write(key, bytes);
    if (!this.#hurried() || this.#storing.size >= limits.storingMax) {
      await storing;
      return sha256;
    }
    // A failure is met by whoever asks for the picture, before anybody is told of it.
    this.#storing.set(key, storing);
    storing.then(
      () => this.#storing.delete(key),
      () => this.#storing.delete(key),
    );
    return sha256;
  }

  async #write(key: string, bytes: Uint8Array): Promise<void> {
    if (!(await this.#blobs.stat(key))) await putBlob(this.#blobs, key, once(bytes), bytes.length);
  }

  async has(form: 'svg' | 'png', sha256: string): Promise<boolean> {
    const key = form === 'svg' ? sceneBlobKey(sha256) : photoBlobKey(sha256);
    const storing = this.#storing.get(key);
    if (
      storing &&
      (await storing.then(
        () => true,
        () => false,
      ))
    )
      return true;
    return (await this.#blobs.stat(key)) !== undefined;
  }

  /** `notFound` `no_such_image`. */
  async read(form: 'svg' | 'png', sha256: string): Promise<Uint8Array> {
    return this.#blob(form === 'svg' ? sceneBlobKey(sha256) : photoBlobKey(sha256));
  }

  /** The drawing as PNG, kept for the next who asks. Errors as those of the raster; `exhausted` `png_busy`. */
  async png(sha256: string, width: PngWidth): Promise<Uint8Array> {
    const key = pngBlobKey(sha256, width);
    if (await this.#blobs.stat(key)) return this.#blob(key);
    const known = this.#making.get(key);
    if (known) return known;
    if (this.#making.size >= limits.pngWaitingMax)
      throw exhausted('png_busy', 'Too many pictures are being made just now.', { retryAfterMs: 1_000 });
    const made = this.#make(sha256, width, key).finally(() => this.#making.delete(key));
    this.#making.set(key, made);
    return made;
  }

  async #make(sha256: string, width: PngWidth, key: string): Promise<Uint8Array> {
    const svg = new TextDecoder().decode(await this.#blob(sceneBlobKey(sha256)));
    const png = await this.#raster.png(svg, width);
    await putBlob(this.#blobs, key, once(png), png.length);
    return png;
  }

  async #blob(key: string): Promise<Uint8Array> {
    try {
      await this.#storing.get(key);
      return await buffer(await this.#blobs.read(key));
    } catch (error) {
      if (error instanceof MusterError && error.reason === 'blob_gone')
        throw notFound('no_such_image', 'There is no such picture here.');
      throw error;
    }
  }
}

/** Headers of every picture: it can run nothing, wherever it is opened, and its address says what it is for ever. */
export const pictureHeaders = (form: 'svg' | 'png'): Record<string, string> => ({
  'content-type': form === 'svg' ? 'image/svg+xml' : 'image/png',
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'public, max-age=31536000, immutable',
});
