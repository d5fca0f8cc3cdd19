import { galleryLimits, type SceneFamily, sceneFamilies } from '@muster/protocol';
import { z } from 'zod';
import { drawsOf } from '#gallery/model';
import { MusterError } from '#kernel/base';
import { type Raster, rasterWidthMax } from '../raster/raster.ts';
import { drawScene, sceneSize } from '../scene/draw-scene.ts';
import { familyIn } from '../scene/family-in.ts';
import { ops } from './ops.ts';
import {
  type GenerateStep,
  modelGenerators,
  ownGenerators,
  type Pipeline,
  type PipelineFault,
  refused,
} from './parse.ts';
import { type Picture, pictureOf, svgOf } from './picture.ts';

/** One picture that a save step named; without such a step, the last one made. */
export type Made = {
  out: string;
  /** Where the save step wanted it. */
  destination: string;
  /** Set as long as it is a drawing. */
  svg?: string;
  bytes: Uint8Array;
  mimeType: 'image/svg+xml' | 'image/png' | 'image/webp';
  width: number;
  height: number;
  /** Asked of an image model and drawn by our engine instead. */
  simulated: boolean;
};
export type PipelineAnswer = { status: 'completed'; images: readonly Made[] } | PipelineFault;

export type RunOptions = {
  raster: Raster;
  seed: number /** Whether a code may say this address. */;
  mayPointTo?: (url: string) => boolean;
};

/** Runs what `parsePipeline` answered, also when that is a fault. Never throws for what the sender got wrong. */
export async function runPipeline(pipeline: Pipeline | PipelineFault, options: RunOptions): Promise<PipelineAnswer> {
  if (pipeline.status === 'error') return pipeline;
  const pictures = new Map<string, Picture>();
  const saves: { out: string; destination: string; picture: Picture }[] = [];
  for (const [no, step] of pipeline.steps.entries()) {
    if (step.kind === 'generate') {
      const made = generated(step, options, no);
      if ('status' in made) return made;
      pictures.set(step.out, made);
      continue;
    }
    const picture = pictures.get(step.in);
    if (!picture) return refused('undefined_input', `Nothing makes ${step.in}.`);
    if (step.kind === 'save') {
      saves.push({ out: step.out ?? step.in, destination: step.destination, picture });
      if (step.out !== undefined) pictures.set(step.out, picture);
      continue;
    }
    const run = Object.hasOwn(ops, step.op) ? ops[step.op] : undefined;
    if (!run)
      return refused('unknown_op', `There is no operation ${step.op}; there are ${Object.keys(ops).join(', ')}.`);
    try {
      pictures.set(step.out, run(picture, step.params, no));
    } catch (error) {
      return refused('invalid_params', `${step.op}: ${reasonOf(error)}.`, 'user_input');
    }
  }
  const [last] = [...pictures].slice(-1);
  if (saves.length === 0 && last) saves.push({ out: last[0], destination: '', picture: last[1] });
  return await finish(saves, options.raster);
}

async function finish(
  saves: readonly { out: string; destination: string; picture: Picture }[],
  raster: Raster,
): Promise<PipelineAnswer> {
  const images: Made[] = [];
  try {
    for (const { out, destination, picture } of saves) images.push(await rendered(out, destination, picture, raster));
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    const busy = error.reason === 'raster_busy' || error.reason === 'raster_failed';
    return { ...refused(error.reason, error.message, 'execution'), retryable: busy };
  }
  const large = images.find(
    ({ svg, bytes }) => svg !== undefined && bytes.byteLength > 2 * galleryLimits.sceneBytesMax,
  );
  return large
    ? refused('too_large', `${large.out} has become too large.`, 'user_input')
    : { status: 'completed', images };
}

async function rendered(out: string, destination: string, picture: Picture, raster: Raster): Promise<Made> {
  const svg = svgOf(picture);
  const { width, height, simulated } = picture;
  const base = { out, destination, width, height, simulated };
  if (picture.form === 'svg') return { ...base, svg, bytes: Buffer.from(svg), mimeType: 'image/svg+xml' };
  // The longer side decides, so that a tall picture does not grow past what is drawn at all.
  const wide = Math.max(1, Math.round(Math.min(width, rasterWidthMax, (rasterWidthMax * width) / height)));
  const scaled = { ...base, width: wide, height: Math.max(1, Math.round((height * wide) / width)) };
  const webp = picture.form === 'webp' ? await raster.webp(svg, wide) : undefined;
  return webp
    ? { ...scaled, bytes: webp, mimeType: 'image/webp' }
    : { ...scaled, bytes: await raster.png(svg, wide), mimeType: 'image/png' };
}

const sceneParams = z.object({
  prompt: z.string().max(5_000).default(''),
  family: z.enum(sceneFamilies).optional(),
  seed: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional(),
  url: z.string().max(500).optional(),
  text: z.string().max(500).optional(),
  data: z.string().max(500).optional(),
});

function generated(
  { generator, params }: GenerateStep,
  { seed, mayPointTo }: RunOptions,
  no: number,
): Picture | PipelineFault {
  const simulated = modelGenerators.includes(generator);
  if (!simulated && !ownGenerators.includes(generator))
    return refused(
      'unknown_generator',
      `There is no generator ${generator}; there are ${[...ownGenerators, ...modelGenerators].join(', ')}.`,
      'provider_config',
    );
  const parsed = sceneParams.safeParse(params);
  if (!parsed.success) return refused('invalid_params', `${generator}: ${reasonOf(parsed.error)}.`, 'user_input');
  const { prompt, url = parsed.data.text ?? parsed.data.data } = parsed.data;
  const chosen = parsed.data.seed ?? drawsOf('pipeline', seed, no).whole(0, 2 ** 32 - 1);
  const family: SceneFamily =
    generator === 'qr' ? 'qr' : generator === 'shapes' ? 'pattern' : (parsed.data.family ?? familyIn(prompt, chosen));
  const points = family === 'qr' && url !== undefined && /^https?:\/\/\S+$/.test(url) && (mayPointTo?.(url) ?? true);
  if (generator === 'qr' && !points)
    return refused('invalid_params', 'qr: expected the address of an item or a profile.', 'user_input');
  const scene = drawScene({ family, seed: chosen, prompt, ...(points ? { url } : undefined) });
  const { width, height } = sceneSize(scene.family);
  return pictureOf(scene.svg, width, height, simulated);
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; ');
  return error instanceof Error ? error.message : String(error);
}
