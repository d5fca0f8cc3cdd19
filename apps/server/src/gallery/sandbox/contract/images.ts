import { createHash, timingSafeEqual } from 'node:crypto';
import { MusterError, randomToken } from '#kernel/base';
import { completeUpload, insertUpload, readImage, type StoredImage } from '../queries/images.ts';
import { readSettings } from '../queries/rules.ts';
import { fleetPaused } from '../room/act.ts';
import { jsonAnswer, Refused, type SandboxAnswer } from '../room/answers.ts';
import { actingAccount } from '../room/caller.ts';
import { freshId, idFrom } from '../room/ids.ts';
import { sandboxLimits as limits } from '../room/limits.ts';
import { pictureHeaders } from '../room/pictures.ts';
import type { SandboxRoom } from '../room/room.ts';
import { cleanPicture } from '../room/uploads.ts';
import type { ContractCall } from './context.ts';
import { confirmSchema, readJson, uploadSchema } from './input.ts';

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
const contentPath = /(?:^|\/)api\/storage\/images\/(img_[0-9a-z]{26})\/content\/?$/;
const picturePath = /(?:^|\/)sandbox\/images\/([0-9a-f]{64})\.(svg|png)$/;

/**
 * The picture an address means: an upload or a drawing that lies here, and nothing else in the world. `stored`: it has no
 * row yet; whoever uses it writes that.
 */
export async function ourImage(
  room: SandboxRoom,
  projectId: string,
  imageUrl: string,
): Promise<{ id: string; stored?: StoredImage }> {
  const notOurs = new Refused(
    400,
    'IMAGE_NOT_OURS',
    'imageUrl must be the address of a picture that was uploaded or made here.',
  );
  let path: string;
  try {
    const url = new URL(imageUrl, room.publicBase ?? 'http://sandbox.invalid');
    const ours = room.publicBase === undefined ? undefined : new URL(room.publicBase).host;
    // Without a public address nobody can say which hosts are ours; what lies here is known by its path all the same.
    if (ours !== undefined && url.host !== ours) throw notOurs;
    path = url.pathname;
  } catch {
    throw notOurs;
  }
  const known = contentPath.exec(path)?.[1];
  if (known !== undefined) {
    const image = await readImage(room.db, known);
    if (image?.projectId !== projectId || image.sha256 === null) throw notOurs;
    return { id: known };
  }
  const [, sha256, form] = picturePath.exec(path) ?? [];
  if (sha256 === undefined || (form !== 'svg' && form !== 'png') || !(await room.pictures.has(form, sha256)))
    throw notOurs;
  const { width, height } = form === 'svg' ? await room.pictures.sceneSize(sha256) : { width: null, height: null };
  const id = imageId(projectId, form, sha256);
  return { id, stored: { id, projectId, accountId: null, form, sha256, width, height } };
}

/** The id of a picture by what it is. */
export const imageId = (projectId: string, form: 'svg' | 'png', sha256: string): string =>
  idFrom('image', projectId, form, sha256);

/** The kill switch of this gallery holds for whatever bots make, not only for what they show. */
export async function requireNotPaused(room: SandboxRoom, projectId: string, isAgent: boolean): Promise<void> {
  if (isAgent && (await readSettings(room.db, projectId))?.paused) throw fleetPaused();
}

/** POST /api/storage/upload-url */
export async function announceUpload({ room, who, headers, at, body }: ContractCall): Promise<SandboxAnswer> {
  const account = await actingAccount(room, who, headers, at);
  const { filename, mimeType, sizeBytes } = readJson(uploadSchema, body);
  await requireNotPaused(room, who.projectId, account.isAgent);
  if (mimeType !== 'image/png' && mimeType !== 'image/jpeg')
    throw new Refused(400, 'UPLOAD_INVALID', 'Only PNG and JPEG can be uploaded.');
  if (sizeBytes > limits.uploadBytesMax)
    throw new Refused(400, 'UPLOAD_INVALID', `A picture has at most ${limits.uploadBytesMax} bytes.`);
  const id = freshId('image');
  const token = randomToken(32);
  const { projectId } = who;
  const expiresAt = new Date(at.getTime() + limits.uploadTtlMs);
  const waitingMax = limits.uploadsWaitingMax;
  const upload = {
    id,
    projectId,
    accountId: account.id,
    type: mimeType,
    bytes: sizeBytes,
    hash: hashOf(token),
    at,
    expiresAt,
    waitingMax,
  };
  if (!(await room.db.transaction((tx) => insertUpload(tx, upload))))
    throw new Refused(403, 'UPLOAD_INVALID', 'Too many announced uploads have not come yet.', {
      quota: quota(waitingMax),
    });
  const path = `/sandbox/api/storage/uploads/${id}?token=${token}`;
  const uploadUrl = room.publicBase === undefined ? `${room.basePath}${path}` : `${room.publicBase}${path}`;
  return jsonAnswer(200, {
    uploadUrl,
    imageId: id,
    storageKey: `uploads/${id}/${filename.replaceAll(/[^\w-]+/g, '_').slice(-80)}`,
    expiresIn: limits.uploadTtlMs / 1_000,
  });
}

const quota = (used: number): Record<string, number> => ({
  used,
  limit: limits.uploadsWaitingMax,
  remaining: limits.uploadsWaitingMax - used,
});

/** PUT of the bytes to the announced address, whose token is the only credential it needs. */
export async function takeUpload(
  room: SandboxRoom,
  call: { id: string; token: string; contentType: string; body: Uint8Array | undefined; now: number },
): Promise<SandboxAnswer> {
  const image = await readImage(room.db, call.id);
  const known = image?.uploadHash;
  if (!image || !known || !timingSafeEqual(known, hashOf(call.token)))
    throw new Refused(403, 'FORBIDDEN', 'This address takes no upload.');
  if (image.expiresAt && image.expiresAt.getTime() < call.now)
    throw new Refused(403, 'FORBIDDEN', 'The time for this upload is over; announce it again.');
  const body = call.body ?? new Uint8Array();
  if (call.contentType !== '' && call.contentType !== image.uploadType)
    throw new Refused(400, 'UPLOAD_INVALID', `This upload was announced as ${image.uploadType}.`);
  if (body.length !== image.uploadBytes)
    throw new Refused(
      400,
      'UPLOAD_INVALID',
      `This upload was announced with ${image.uploadBytes} bytes, ${body.length} came.`,
    );
  const { sha256, width, height } = await cleanPicture(room, body);
  await room.db.transaction((tx) => completeUpload(tx, { id: image.id, sha256, width, height }));
  return jsonAnswer(200, {});
}

/** POST /api/storage/confirm-upload */
export async function confirmUpload({ room, who, headers, at, body }: ContractCall): Promise<SandboxAnswer> {
  const account = await actingAccount(room, who, headers, at);
  const { imageId } = readJson(confirmSchema, body);
  const image = await readImage(room.db, imageId);
  if (image?.projectId !== who.projectId || image.accountId !== account.id)
    throw new Refused(404, 'NOT_FOUND', 'There is no such upload of this account.');
  if (image.sha256 === null) throw new Refused(400, 'UPLOAD_INVALID', 'The bytes of this upload have not come.');
  return jsonAnswer(200, { success: true, imageId, quota: quota(0) });
}

/** GET /api/storage/images/:id/content */
export async function imageContent({ room, who, params }: ContractCall): Promise<SandboxAnswer> {
  const [id = ''] = params;
  const image = await readImage(room.db, id);
  if (image?.projectId !== who.projectId || image.sha256 === null || image.form === null)
    throw new Refused(404, 'NOT_FOUND', 'There is no such picture.');
  try {
    const body = await room.pictures.read(image.form, image.sha256);
    return { status: 200, headers: pictureHeaders(image.form), body };
  } catch (error) {
    if (error instanceof MusterError && error.code === 'notFound')
      throw new Refused(404, 'NOT_FOUND', 'There is no such picture.');
    throw error;
  }
}
