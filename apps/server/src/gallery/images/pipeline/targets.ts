import type { SceneOrder } from '#gallery/model';

/** As it is sent to a target's `POST /api/execute/sync`. */
export type PipelineJson = { name: string; steps: readonly Record<string, unknown>[] };

export type PipelineOptions = {
  name: string;
  /** An image model of the target, from the settings; without one the target draws a `scene`. */
  generator?: string;
  destination?: string;
  /** Pixels of the longer side. */
  side?: number;
};

/** Generate, bring to size, save: the picture that is saved is the one that was transformed. */
export function pipelineOf(
  { family, seed, prompt, url }: SceneOrder,
  { name, generator, destination = 'gallery', side = 1_024 }: PipelineOptions,
): PipelineJson {
  const params =
    generator === undefined ? { family, seed, prompt, ...(url === undefined ? undefined : { url }) } : { prompt };
  return {
    name,
    steps: [
      { kind: 'generate', generator: generator ?? (family === 'qr' ? 'qr' : 'scene'), params, out: 'drawn' },
      {
        kind: 'transform',
        op: 'resize',
        in: 'drawn',
        params: {
          width: side,
          height: side,
          fit: family === 'pixel' ? 'contain' : 'cover',
          ...(family === 'pixel' ? { kernel: 'nearest' } : undefined),
        },
        out: 'sized',
      },
      { kind: 'save', in: 'sized', destination, out: 'saved' },
    ],
  };
}

/**
 * Which of the addresses in a target's answer is the picture to post: as many addresses as save steps → the last; as many
 * as steps → the one at the last save step's place; else the last. Relative ones are resolved against the base.
 * `undefined` when there is none that can be fetched.
 */
export function urlOfOurs(
  steps: readonly { kind?: unknown }[],
  imageUrls: readonly string[],
  base: string,
): string | undefined {
  const saves = steps.filter(({ kind }) => kind === 'save').length;
  const lastSave = steps.findLastIndex(({ kind }) => kind === 'save');
  const byStep = imageUrls.length !== saves && imageUrls.length === steps.length && lastSave !== -1;
  const found = byStep ? imageUrls[lastSave] : imageUrls.at(-1);
  if (found === undefined || !URL.canParse(found, base)) return undefined;
  const url = new URL(found, base);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
}
