import type { Actor, WriteOptions } from '#gallery/model';
import { targetLimits } from './limits.ts';
import { executedShape, Misfit, readAs } from './shapes.ts';
import type { Speaker } from './speaker.ts';

/** Pipeline JSON as gallery.md §6 has it; each step names its kind. */
export type Pipeline = { name?: string; steps: readonly (Readonly<Record<string, unknown>> & { kind: string })[] };
export type Executed = { imageUrl: string; imageId: string | null };

/** Runs a pipeline on the target, which may cost there: an answer that was lost is `unknown` and the caller decides. */
export async function executePipeline(
  { caller, absolute }: Speaker,
  as: Actor,
  pipeline: Pipeline,
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
  const at = ownIndex(pipeline, answered.imageUrls.length);
  const imageUrl = answered.imageUrls[at];
  if (imageUrl === undefined) throw new Misfit('the pipeline made no picture');
  return { imageUrl: absolute(imageUrl), imageId: answered.imageIds?.[at] ?? null };
}

/** Which of the pictures is the one to show: as many as save steps → the last; as many as steps → that of the last save step; else the last. */
export function ownIndex({ steps }: Pipeline, pictures: number): number {
  const lastSave = steps.findLastIndex(({ kind }) => kind === 'save');
  const saves = steps.filter(({ kind }) => kind === 'save').length;
  if (pictures !== saves && pictures === steps.length && lastSave >= 0) return lastSave;
  return pictures - 1;
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
