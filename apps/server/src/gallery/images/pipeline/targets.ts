import type { SceneOrder } from '#gallery/model';

/** As it is sent to a target's `POST /api/execute/sync`. */
export type PipelineJson = { name: string; steps: readonly (Readonly<Record<string, unknown>> & { kind: string })[] };

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
 * Which of the pictures in a target's answer is the one to post: as many pictures as save steps → the last; as many as
 * steps → the one at the last save step's place; else the last. −1 when there is none.
 */
export function placeOfOurs(steps: readonly { kind?: unknown }[], pictures: number): number {
  const saves = steps.filter(({ kind }) => kind === 'save').length;
  const lastSave = steps.findLastIndex(({ kind }) => kind === 'save');
  const byStep = pictures !== saves && pictures === steps.length && lastSave !== -1;
  return byStep ? lastSave : pictures - 1;
}
