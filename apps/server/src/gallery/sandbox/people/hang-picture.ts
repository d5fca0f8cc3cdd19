import { buffer } from 'node:stream/consumers';
import { type Answer, answer, type Call } from '#kernel/http';
import { imageId } from '../contract/images.ts';
import { newItemSchema, readJson } from '../contract/input.ts';
import { type Draft, newPage } from '../pages/form-pages.ts';
import { page } from '../pages/routes.ts';
import { viewOf } from '../pages/view.ts';
import { performAct } from '../room/act.ts';
import { Refused } from '../room/answers.ts';
import type { Person } from '../room/deps.ts';
import { freshId } from '../room/ids.ts';
import { sandboxLimits as limits } from '../room/limits.ts';
import { personAccount } from '../room/person-account.ts';
import type { SandboxRoom } from '../room/room.ts';
import { requireFormToken } from '../room/same-origin.ts';
import { cleanPicture } from '../room/uploads.ts';

const overheadBytes = 64 * 1024;

/** A picture of a person: its form is read, its file drawn anew, and it hangs. What is wrong comes back with the form. */
export async function hangPicture(room: SandboxRoom, call: Call<Person | undefined>, person: Person): Promise<Answer> {
  const form = await readForm(room, call, person);
  const { title, description, alt, tags } = form.draft;
  try {
    if (form.image === undefined) throw new Refused(400, 'UPLOAD_INVALID', 'Choose a picture.');
    const input = readJson(
      newItemSchema,
      Buffer.from(JSON.stringify({ imageUrl: '-', title, description, alt, tags: tagsOf(tags) })),
    );
    const at = new Date(room.clock.now());
    const account = await personAccount(room, person, at);
    const { sha256, width, height } = await cleanPicture(room, form.image);
    const { projectId } = person;
    const image = {
      id: imageId(projectId, 'png', sha256),
      projectId,
      accountId: account.id,
      form: 'png',
      sha256,
      width,
      height,
    } as const;
    const id = freshId('item');
    await performAct(room, {
      projectId,
      account,
      kind: 'post',
      at,
      key: undefined,
      digest: '',
      body: (actor) => {
        const item = {
          id,
          projectId,
          accountId: actor.id,
          byAgent: false,
          title: input.title.trim(),
          description: input.description ?? '',
          category: null,
          tags: input.tags ?? [],
          alt: input.alt ?? '',
          imagePrompt: '',
          facts: [],
          workflowId: null,
          imageId: image.id,
          at,
        };
        const writes = [{ image: { ...image, at } }, { item }];
        return { status: 201, value: { id }, counts: true, writes, change: { what: 'item', projectId, itemId: id } };
      },
    });
    return answer(303, undefined, { location: `${room.basePath}/sandbox/i/${id}` });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return page(newPage(await viewOf(room, call, person), form.draft, error.message), error.status);
  }
}

const tagsOf = (tags = ''): string[] =>
  tags
    .split(',')
    .map((tag) => tag.trim().replace(/^#/, ''))
    .filter((tag) => tag !== '');

/** The token comes before the file, so a form from elsewhere is refused before its file is read. */
async function readForm(
  room: SandboxRoom,
  call: Call<Person | undefined>,
  person: Person,
): Promise<{ draft: Draft; image: Uint8Array | undefined }> {
  const draft: Record<string, string> = {};
  let image: Uint8Array | undefined;
  let trusted = false;
  const fileBytesMax = (name: string): number | undefined => (name === 'image' ? limits.uploadBytesMax : undefined);
  for await (const part of call.multipart({
    bytesMax: limits.uploadBytesMax + overheadBytes,
    fileBytesMax,
    partsMax: 10,
  })) {
    if (part.kind === 'field' && part.name === 'token') {
      requireFormToken(room.csrfKey, person.id, part.value);
      trusted = true;
    } else if (!trusted) requireFormToken(room.csrfKey, person.id, '');
    else if (part.kind === 'field') draft[part.name] = part.value.replaceAll('\r\n', '\n');
    else {
      const bytes = await buffer(part.stream);
      if (bytes.length > 0) image = bytes;
    }
  }
  if (!trusted) requireFormToken(room.csrfKey, person.id, '');
  const { title = '', description = '', alt = '', tags = '' } = draft;
  return { draft: { title, description, alt, tags }, image };
}
