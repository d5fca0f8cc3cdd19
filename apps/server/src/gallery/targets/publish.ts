import { galleryLimits } from '@muster/protocol';
import { type Actor, type Item, TargetError, type WriteOptions } from '#gallery/model';
import { keyKnown } from './faults.ts';
import { pngSize } from './image-size.ts';
import { targetLimits } from './limits.ts';
import { confirmedShape, list, member, readAs, uploadShape } from './shapes.ts';
import type { PublicationThere, Speaker } from './speaker.ts';

/**
 * Puts a picture of ours up: uploaded first, always as PNG, where the target takes uploads, else by the address of our blob. Only the last
 * request is seen by anybody, so only its outcome can be unknown.
 */
export async function publish(
  speaker: Speaker,
  as: Actor,
  publication: PublicationThere,
  write: WriteOptions,
): Promise<Item> {
  const imageUrl = await place(speaker, as, publication, write);
  try {
    return await post(speaker, as, publication, imageUrl, write);
  } catch (error) {
    if (!(error instanceof TargetError && error.fault.kind === 'unknown' && error.fault.detail === keyKnown))
      throw error;
    // Sent again after a crash, with the same key and another upload: what the first try made is what was wanted.
    const earlier = await sameAgain(speaker, as, publication, write.signal);
    if (!earlier) throw error;
    return earlier;
  }
}

/** What a target is told as the title: cut to what it takes, and never empty. */
export const shownTitle = (title: string, caption: string): string => cut(title.trim() === '' ? caption : title);
const titleOf = ({ title, caption }: PublicationThere): string => shownTitle(title, caption);

async function sameAgain(
  { caller, dialect, row, itemOf }: Speaker,
  as: Actor,
  publication: PublicationThere,
  signal: AbortSignal,
): Promise<Item | undefined> {
  const items = await caller.call({
    route: 'items_of',
    kind: 'read',
    method: 'GET',
    path: dialect.itemsOfPath(as.username),
    signal,
    read: (json) => list(json, dialect.showcase, itemOf),
  });
  const caption = withFooter(publication.caption, row.captionFooter);
  return items.find((item) => item.title === titleOf(publication) && item.description === caption);
}

function post(
  { caller, dialect, row, itemOf }: Speaker,
  as: Actor,
  publication: PublicationThere,
  imageUrl: string,
  write: WriteOptions,
): Promise<Item> {
  const { caption, alt, tags, prompt, facts } = publication;
  return caller.call({
    route: 'publish',
    kind: 'write',
    method: 'POST',
    path: dialect.create(),
    body: {
      imageUrl,
      title: titleOf(publication),
      [dialect.captionKey]: withFooter(caption, row.captionFooter),
      // Elsewhere these stay in our ledger.
      ...(row.kind === 'sandbox' ? { alt, tags, imagePrompt: prompt, facts } : {}),
    },
    as,
    key: write.key,
    signal: write.signal,
    may: write.may,
    read: (json) => itemOf(member(json, dialect.made)),
  });
}

/** Where the target finds the picture. */
async function place(
  speaker: Speaker,
  as: Actor,
  { image, title }: PublicationThere,
  { signal, may }: WriteOptions,
): Promise<string> {
  const { caller, row, absolute } = speaker;
  if (image.onTarget !== undefined) return image.onTarget;
  // The sandbox has our blobs already.
  if (!row.capabilities.upload || row.kind === 'sandbox') return image.publicUrl;
  const kept = await image.bytes();
  const bytes = image.mimeType === 'image/png' ? kept : await speaker.pngOf(Buffer.from(kept).toString('utf8'));
  const mimeType = 'image/png';
  const file = { filename: `${nameOf(title)}.png`, mimeType, sizeBytes: bytes.byteLength };
  const step = { kind: 'prepare', as, signal, may } as const;
  const storage = '/api/storage';
  const upload = await caller.call({
    ...step,
    route: 'upload_url',
    method: 'POST',
    path: `${storage}/upload-url`,
    body: file,
    read: (json) => readAs(uploadShape, json, 'the place of the upload'),
  });
  await caller.call({
    ...step,
    route: 'upload',
    method: 'PUT',
    path: withinBase(speaker, upload.uploadUrl),
    raw: { bytes, mimeType },
    timeoutMs: targetLimits.uploadMs,
    read: () => undefined,
  });
  const confirmed = await caller.call({
    ...step,
    route: 'confirm_upload',
    method: 'POST',
    path: `${storage}/confirm-upload`,
    body: {
      imageId: upload.imageId,
      storageKey: upload.storageKey,
      ...file,
      ...pngSize(bytes),
    },
    read: (json) => readAs(confirmedShape, json, 'the confirmed upload'),
  });
  return absolute(
    confirmed.imageUrl ??
      upload.imageUrl ??
      `${base(row.baseUrl)}${storage}/images/${encodeURIComponent(upload.imageId)}/content`,
  );
}

const base = (url: string): string => url.replace(/\/+$/, '');

/** A relative upload address lies on the target; under its own path the transport adds the base again. */
function withinBase({ row, absolute }: Speaker, url: string): string {
  const whole = absolute(url);
  return whole.startsWith(`${base(row.baseUrl)}/`) ? whole.slice(base(row.baseUrl).length) : whole;
}

/** At most 200 code points, at the end of a word where there is one in the second half. */
function cut(title: string): string {
  const points = Array.from(title.trim());
  if (points.length <= galleryLimits.titleCharsMax) return points.join('');
  const head = points.slice(0, galleryLimits.titleCharsMax);
  const space = head.lastIndexOf(' ');
  return (space > head.length / 2 ? head.slice(0, space) : head).join('').trimEnd();
}

export function withFooter(caption: string, footer: string | null): string {
  if (footer === null || footer === '' || caption.endsWith(footer)) return caption;
  return caption === '' ? footer : `${caption}\n\n${footer}`;
}

const nameOf = (title: string): string =>
  title
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 60) || 'picture';
