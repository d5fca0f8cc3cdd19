import { parsePipeline, runPipeline } from '#gallery/images';
import { insertImage, type StoredImage } from '../queries/images.ts';
import { jsonAnswer, Refused, type SandboxAnswer } from '../room/answers.ts';
import { actingAccount } from '../room/caller.ts';
import { sandboxLimits as limits } from '../room/limits.ts';
import type { ContractCall } from './context.ts';
import { imageId, requireNotPaused } from './images.ts';
import { seedFrom } from './showcase.ts';

const statusOf: Readonly<Record<string, number>> = { user_input: 400, validation: 400, provider_config: 400 };

/** POST /api/execute/sync: runs a pipeline and keeps what it saves. The same request of the same account draws the same. */
export async function executeSync({ room, who, headers, at, body }: ContractCall): Promise<SandboxAnswer> {
  const account = await actingAccount(room, who, headers, at);
  await requireNotPaused(room, who.projectId, account.isAgent);
  const bytes = body ?? new Uint8Array();
  if (bytes.length > limits.jsonBytesMax) throw new Refused(413, 'INVALID', 'The pipeline is too large.');
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new Refused(400, 'INVALID', 'The body is not JSON.');
  }
  const { projectId } = who;
  const seed = seedFrom(`${account.username}\0${Buffer.from(bytes).toString('utf8')}`);
  const mayPointTo = (url: string): boolean => isOurPage(room.publicBase, url);
  const done = await runPipeline(parsePipeline(json), { raster: room.raster, seed, mayPointTo });
  if (done.status === 'error') return jsonAnswer(statusOf[done.errorCategory] ?? 500, done);
  const images: StoredImage[] = [];
  for (const { svg, bytes: pixels, mimeType, width, height } of done.images) {
    const form = svg === undefined ? 'png' : 'svg';
    const png = mimeType === 'image/webp' ? (await room.raster.redraw(pixels)).png : pixels;
    const sha256 = await (svg === undefined ? room.pictures.storePng(png) : room.pictures.storeScene(svg));
    images.push({
      id: imageId(projectId, form, sha256),
      projectId,
      accountId: account.id,
      form,
      sha256,
      width,
      height,
    });
  }
  await room.db.transaction(async (tx) => {
    for (const image of images) insertImage(tx, { ...image, at });
  });
  return jsonAnswer(200, {
    status: 'completed',
    imageUrls: images.map(({ id }) => `/api/storage/images/${id}/content`),
    imageIds: images.map(({ id }) => id),
    simulated: done.images.some(({ simulated }) => simulated),
  });
}

/** A code in a picture leads to the pages of this gallery, and nowhere else. */
function isOurPage(publicBase: string | undefined, url: string): boolean {
  if (publicBase !== undefined) return url.startsWith(`${publicBase}/sandbox/`);
  return URL.canParse(url) && /\/sandbox\/[iu]\/[a-z0-9_]+$/.test(new URL(url).pathname);
}
