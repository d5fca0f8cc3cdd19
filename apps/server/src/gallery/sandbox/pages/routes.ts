import { z } from 'zod';
import { defaultProjectId } from '#kernel/auth';
import { notFound } from '#kernel/base';
import { type Answer, answer, type Http, type RequestHead, type Routes, taken } from '#kernel/http';
import { accountByUsername, statsOf } from '../queries/accounts.ts';
import { commentsOf } from '../queries/comments.ts';
import { idsOfAccount, likedOf, pictureOfItem, readItem } from '../queries/items.ts';
import type { Person } from '../room/deps.ts';
import { itemsInOrder } from '../room/feeds.ts';
import { type PngWidth, pictureHeaders, picturePath, pngWidths } from '../room/pictures.ts';
import type { SandboxRoom } from '../room/room.ts';
import type { Followers } from './followers.ts';
import { itemPage, threadShown } from './item-page.ts';
import { assets, notice, pageCsp } from './layout.ts';
import { profilePage } from './profile-page.ts';
import { type View, viewOf } from './view.ts';
import { wallItems, wallPage } from './wall-page.ts';

const pageNumber = z
  .string()
  .regex(/^[1-9]\d{0,3}$/)
  .transform(Number)
  .catch(1)
  .default(1);
const wallQuery = z.looseObject({ page: pageNumber, people: z.string().optional() });
const byId = z.object({ id: z.string().max(100) });
const byName = z.object({ username: z.string().max(100) });
const pictureName = z.object({ name: z.string().regex(/^[0-9a-f]{64}\.(svg|png)$/) });
const pictureQuery = z.looseObject({
  w: z
    .enum(['256', '512', '1024', '2048'])
    .transform((width) => Number(width) as PngWidth)
    .optional(),
});

/** A page of ours, read again each time, because it says what is there now. */
export const page = (body: string, status = 200): Answer =>
  answer(status, body, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': pageCsp,
    'cache-control': 'no-store',
    vary: 'cookie',
  });

/** Who looks: whoever sits before the browser, or nobody in particular. */
export const somebody =
  (room: SandboxRoom) =>
  (head: RequestHead): Promise<Person | undefined> =>
    room.currentPerson(head);

const common = { method: 'GET', hidden: true } as const;

/** `/sandbox`: pages for people, readable without script and without signing in. */
export function pageRoutes(room: SandboxRoom, followers: Followers): (http: Http) => void {
  return (http) => {
    walls(room, http);
    single(room, http);
    http.route({
      ...common,
      path: '/sandbox/live',
      auth: somebody(room),
      summary: 'News of the gallery as an event stream',
      query: z.looseObject({ item: z.string().max(100).optional() }),
      rate: 'exempt',
      handle: async (call) => {
        await followers.follow(call, call.who?.projectId ?? defaultProjectId, call.input.query.item);
        return taken;
      },
    });
    http.route({
      ...common,
      path: '/sandbox/images/:name',
      auth: 'open',
      summary: 'A picture by what it is',
      params: pictureName,
      query: pictureQuery,
      rate: 'exempt',
      handle: ({ input }) => servePicture(room, input.params.name, input.query.w),
    });
    http.route({
      ...common,
      path: '/sandbox/assets/:name',
      auth: 'open',
      summary: 'Style and script of the pages',
      query: z.looseObject({}),
      handle: ({ params }) => {
        const found = assets.get(params['name'] ?? '');
        if (!found) throw notFound('no_such_path', 'The gallery has no such file.');
        return answer(200, found.bytes, {
          'content-type': found.type,
          etag: `"${found.tag}"`,
          'cache-control': 'public, max-age=31536000, immutable',
        });
      },
    });
  };
}

function walls(room: SandboxRoom, http: Routes): void {
  for (const [path, sort] of [
    ['/sandbox', 'recent'],
    ['/sandbox/trending', 'trending'],
  ] as const) {
    http.route({
      ...common,
      path,
      auth: somebody(room),
      summary: 'The wall of the sandbox gallery',
      query: wallQuery,
      handle: async (call) => {
        const view = await viewOf(room, call, call.who);
        const { page: number, people } = call.input.query;
        const offset = (number - 1) * wallItems;
        const order = {
          projectId: view.projectId,
          sort,
          category: null,
          peopleOnly: people === '1',
          hidden: [],
          // One more than is shown says whether there are more.
          limit: wallItems + 1,
          offset,
        };
        const { items } = await room.feeds.page(order, view.now);
        const more = items.length > wallItems;
        const rows = items.slice(0, wallItems).map(({ row }) => row);
        return page(wallPage(view, { sort, people: people === '1', page: number, rows, more }));
      },
    });
  }
}

function single(room: SandboxRoom, http: Routes): void {
  http.route({
    ...common,
    path: '/sandbox/i/:id',
    auth: somebody(room),
    summary: 'One picture and its thread',
    params: byId,
    query: z.looseObject({}),
    handle: async (call) => {
      const view = await viewOf(room, call, call.who);
      const shown = await showItemPage(room, view, call.input.params.id, {});
      // Whoever asks with a token is a program.
      const byProgram = call.headers.authorization !== undefined || call.method === 'HEAD';
      if (shown.found) room.views.add(view.projectId, call.input.params.id, byProgram ? 'bot' : 'human');
      return shown.answer;
    },
  });
  http.route({
    ...common,
    path: '/sandbox/i/:id/picture',
    // As open as the picture itself: whoever was told the id of an item was told of its picture.
    auth: 'open',
    summary: 'Where the picture of an item lies',
    params: byId,
    query: z.looseObject({}),
    rate: 'exempt',
    handle: async ({ input }) => {
      const found = await pictureOfItem(room.db, input.params.id);
      if (!found) throw notFound('no_such_item', 'There is no such item.');
      const location = `${room.basePath}${picturePath(found.form, found.sha256)}`;
      return answer(307, '', { location, 'cache-control': 'private, max-age=3600' });
    },
  });
  http.route({
    ...common,
    path: '/sandbox/u/:username',
    auth: somebody(room),
    summary: 'One account and its pictures',
    params: byName,
    query: z.looseObject({ page: pageNumber }),
    handle: async (call) => {
      const view = await viewOf(room, call, call.who);
      const account = await accountByUsername(room.db, view.projectId, call.input.params.username);
      if (!account) return page(notice(view, 'Nobody of that name', 'There is no such account in this gallery.'), 404);
      const number = call.input.query.page;
      const [stats, ids] = await Promise.all([
        statsOf(room.db, account.id),
        idsOfAccount(room.db, account.id, { limit: wallItems + 1, offset: (number - 1) * wallItems }),
      ]);
      const rows = await itemsInOrder(room.db, view.projectId, ids.slice(0, wallItems));
      return page(profilePage(view, { account, stats, rows, page: number, more: ids.length > wallItems }));
    },
  });
}

/** The page of an item, also with what was wrong about a comment. */
export async function showItemPage(
  room: SandboxRoom,
  view: View,
  id: string,
  wrong: { error?: string; draft?: string; status?: number },
): Promise<{ found: boolean; answer: Answer }> {
  const row = await readItem(room.db, view.projectId, id);
  if (!row)
    return {
      found: false,
      answer: page(notice(view, 'This picture is gone', 'It was taken down, or never hung here.'), 404),
    };
  const account = view.person?.accountId ?? null;
  const [newest, liked] = await Promise.all([
    commentsOf(room.db, id, { limit: threadShown, offset: 0, newestFirst: true }),
    account === null ? new Set<string>() : likedOf(room.db, account, [id]),
  ]);
  const { status = 200, ...shown } = wrong;
  const text = itemPage(view, { row, comments: newest.toReversed(), liked: liked.has(id), ...shown });
  return { found: true, answer: page(text, status) };
}

/** A drawing as it is, or as PNG of one of the widths; what people brought is a PNG of its own. */
async function servePicture(room: SandboxRoom, name: string, width: PngWidth | undefined): Promise<Answer> {
  const [sha256 = '', form] = name.split('.');
  if (form === 'svg') return answer(200, await room.pictures.read('svg', sha256), pictureHeaders('svg'));
  if (width === undefined && (await room.pictures.has('png', sha256)))
    return answer(200, await room.pictures.read('png', sha256), pictureHeaders('png'));
  return answer(200, await room.pictures.png(sha256, width ?? pngWidths[2]), pictureHeaders('png'));
}
