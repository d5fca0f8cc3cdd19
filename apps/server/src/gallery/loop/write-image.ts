import { type SceneFamily, sceneFamilies } from '@muster/protocol';
import { pipelineOf } from '#gallery/images';
import { type Decision, MindError, type Publication, type SceneOrder, TargetError } from '#gallery/model';
import { checkText } from '#gallery/text';
import { asError, never } from '#kernel/base';
import type { ThinkingDeps } from './think-deps.ts';
import { type One, Stop } from './think-one.ts';
import type { ThinkParts } from './think-parts.ts';
import { reserveFor } from './think-reserve.ts';
import { withAccount } from './with-account.ts';
import { notePaintings } from './write-bought.ts';

type Picture = { image: Publication['image'] & { onTarget?: string }; alt: string; facts: readonly string[] };

/**
 * The picture of a post, as a blob of ours before anything is said of it: what was paid for once is never paid for again,
 * and without a picture there is no post (`image_failed`).
 */
export async function paint(parts: ThinkParts, one: One, decision: Decision): Promise<Publication> {
  const picture = await painted(parts, one, decision);
  const title = checkText(decision.caption, { kind: 'title', language: one.traits.language });
  return {
    image: picture.image,
    title: title.ok ? title.text : decision.caption,
    caption: decision.caption,
    alt: picture.alt,
    tags: decision.tags,
    prompt: decision.prompt,
    facts: picture.facts,
  };
}

async function painted(parts: ThinkParts, one: One, decision: Decision): Promise<Picture> {
  try {
    switch (one.traits.imageSource) {
      case 'scene':
        return await fromScene(parts.deps, one, decision);
      case 'target':
        return await fromTarget(parts.deps, one, decision);
      case 'model':
        return await fromModel(parts, one, decision);
      default:
        return never(one.traits.imageSource);
    }
  } catch (thrown) {
    if (thrown instanceof Stop || thrown instanceof TargetError || thrown instanceof MindError) throw thrown;
    if (one.due.signal.aborted) throw thrown;
    throw new Stop({ result: 'failed', reason: 'image_failed', event: { type: 'ok' }, error: asError(thrown) });
  }
}

/** Drawn here; the think keeps the scene, for previews and for what it tells of. */
export const sceneOf = (deps: Pick<ThinkingDeps, 'draw' | 'profileUrl'>, one: One, decision: Decision): One['scene'] =>
  deps.draw(orderOf(deps, one, decision));

function orderOf(deps: Pick<ThinkingDeps, 'profileUrl'>, one: One, decision: Decision): SceneOrder {
  const draws = one.draws('scene');
  const family = familyOf(one, decision, draws.weighted(one.traits.recipes));
  return {
    family,
    seed: draws.whole(0, 0xff_ff_ff_ff),
    prompt: decision.prompt,
    ...(family === 'qr' ? { url: deps.profileUrl(one.target, one.bot.username) } : {}),
  };
}

/** What the mind asked for, where the bot draws such things at all. */
function familyOf({ traits }: One, { family }: Decision, drawn: SceneFamily | undefined): SceneFamily {
  if (family !== undefined && (traits.recipes[family] ?? 0) > 0) return family;
  return drawn ?? sceneFamilies[0];
}

async function fromScene(deps: ThinkingDeps, one: One, decision: Decision): Promise<Picture> {
  const scene = sceneOf(deps, one, decision);
  if (!scene) throw new Error('the engine drew nothing');
  one.scene = scene;
  const image = await deps.pictures.store({ bytes: Buffer.from(scene.svg), mimeType: 'image/svg+xml' });
  // What is really there; the mind only knew what it wished for.
  return { image, alt: scene.alt, facts: scene.facts.map(({ text }) => text) };
}

async function fromTarget(deps: ThinkingDeps, one: One, decision: Decision): Promise<Picture> {
  const { client, actor, due } = one;
  const generator = deps.minds.imageProvider(one.traits.mind);
  const pipeline = pipelineOf(orderOf(deps, one, decision), {
    name: one.thoughtId,
    destination: `${one.thoughtId}.png`,
    ...(generator === null ? {} : { generator }),
  });
  const write = { key: `${one.thoughtId}-image`, signal: due.signal, may: due.may };
  try {
    const { imageUrl, imageId } = await withAccount(one, () => client.execute(actor, pipeline, write));
    if (imageId === null) throw new Error('the target did not say which picture it made');
    const bytes = await client.imageBytes(imageId, due.signal);
    const mimeType = isPng(bytes) ? 'image/png' : 'image/svg+xml';
    const image = await deps.pictures.store({ bytes, mimeType });
    return { image: { ...image, onTarget: imageUrl }, alt: decision.alt || decision.prompt, facts: [] };
  } catch (error) {
    if (error instanceof TargetError && error.fault.kind === 'unknown') {
      throw new Stop({ result: 'failed', reason: 'image_outcome_unknown', event: { type: 'ok' }, error });
    }
    throw error;
  }
}

/** The first time, and once more when nobody knows what became of it. */
const paintingsMax = 2;

async function fromModel(parts: ThinkParts, one: One, decision: Decision): Promise<Picture> {
  const { deps, reserving } = parts;
  const { paintings = 0 } = one;
  if (paintings >= paintingsMax) throw outcomeUnknown();
  const unpriced = await parts.unpricedOf(one);
  const bound = deps.minds.imageBound(one.traits.mind, { unpriced });
  const id = parts.paidId(one, 'image');
  await reserveFor({ ...deps, reserving }, one, id, bound);
  await notePaintings(deps, one, paintings + 1);
  const made = await deps.minds
    .paintImage(one.traits.mind, { prompt: decision.prompt, unpriced }, one.due.signal)
    .catch(async (error: unknown) => {
      // What was surely not painted is given back; else all that was reserved is the spend.
      const money = error instanceof MindError ? error.used.costMicros : undefined;
      if (money !== undefined) one.reserved.set(id, { money, images: money > 0 ? 1 : 0 });
      if (money === 0) await notePaintings(deps, one, paintings);
      else if (paintings + 1 >= paintingsMax && !one.due.signal.aborted) throw outcomeUnknown(asError(error));
      throw error;
    });
  one.reserved.set(id, { money: made.costMicros, images: 1 });
  one.cost.costMicros += made.costMicros;
  if (made.mimeType !== 'image/png' || !isPng(made.bytes)) throw new Error(`a picture of type ${made.mimeType}`);
  const image = await deps.pictures.store({ bytes: made.bytes, mimeType: 'image/png' });
  return { image, alt: decision.alt || decision.prompt, facts: [] };
}

const outcomeUnknown = (error?: Error): Stop =>
  new Stop({ result: 'failed', reason: 'image_outcome_unknown', event: { type: 'ok' }, ...(error ? { error } : {}) });

const pngStart = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
const isPng = (bytes: Uint8Array): boolean => Buffer.compare(Buffer.from(bytes.subarray(0, 4)), pngStart) === 0;
