import { type PipelineJson, placeOfOurs } from '#gallery/images';
import type { Actor, WriteOptions } from '#gallery/model';
import { targetLimits } from './limits.ts';
import { executedShape, Misfit, readAs } from './shapes.ts';
import type { Speaker } from './speaker.ts';

export type Executed = { imageUrl: string; imageId: string | null };

/** Runs a pipeline on the target, which may cost there: an answer that was lost is `unknown` and the caller decides. */
export async function executePipeline(
  { caller, absolute }: Speaker,
  as: Actor,
  pipeline: PipelineJson,
  { key, signal, may }: WriteOptions,
): Promise<Executed> {
  const answered = await caller.call({
    route: 'execute',
    kind: 'write',
    method: 'POST',
    path: '/api/execute/sync',
    body: { steps: pipeline.steps, name: pipeline.name },
    as,
    key,
    signal,
    may,
    timeoutMs: targetLimits.executeMs,
    read: (json) => readAs(executedShape, json, 'the pipeline'),
  });
  const at = placeOfOurs(pipeline.steps, answered.imageUrls.length);
  const said = answered.imageUrls[at];
  if (said === undefined) throw new Misfit('the pipeline made no picture');
  const imageUrl = absolute(said);
  if (!/^https?:/.test(imageUrl)) throw new Misfit('the picture of the pipeline has no address that can be fetched');
  return { imageUrl, imageId: answered.imageIds?.[at] ?? null };
}

/** The bytes of a picture that lies on the target. */
export const fetchImage = ({ caller }: Speaker, imageId: string, signal: AbortSignal): Promise<Uint8Array> =>
  caller.call({
    route: 'image',
    kind: 'read',
    method: 'GET',
    path: `/api/storage/images/${encodeURIComponent(imageId)}/content`,
    signal,
    timeoutMs: targetLimits.uploadMs,
    bodyBytesMax: targetLimits.imageBytesMax,
    mayBeGone: true,
    read: (_, answer) => answer.body,
  });
