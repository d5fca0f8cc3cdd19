import { createHash } from 'node:crypto';
import type { AccountRow } from '../queries/accounts.ts';
import { deleteItem, type ItemRow, likedOf } from '../queries/items.ts';
import { performAct } from '../room/act.ts';
import { jsonAnswer, noSuchItem, Refused, type SandboxAnswer, textAnswer } from '../room/answers.ts';
import { actingAccount, viewingAccount } from '../room/caller.ts';
import { freshId, idFrom } from '../room/ids.ts';
import { wireItem } from '../room/wire.ts';
import { type ContractCall } from './context.ts';
import { ourImage } from './images.ts';
import { feedQuery, newItemSchema, readJson, readQuery } from './input.ts';

/** What a client may count on here beside the plain contract. */
const capabilities = { 'x-gallery-capabilities': 'idempotency explicit-unlike upload execute' };

/** POST /api/showcase */
export async function postItem({ room, who, headers, body, at }: ContractCall): Promise<SandboxAnswer> {
  const account = await actingAccount(room, who, headers, at);
  const input = readJson(newItemSchema, body);
  const image = await ourImage(room, who.projectId, input.imageUrl);
  const key = headers['idempotency-key'];
  const { projectId } = who;
  return performAct(room, {
    projectId,
    account,
    kind: 'post',
    at,
    key,
    digest: JSON.stringify(['post', input]),
    body: (actor) => {
      const id = key === undefined ? freshId('item') : idFrom('item', projectId, account.agentId ?? account.id, key);
      const item = {
        id,
        projectId,
        title: input.title.trim(),
        description: input.description ?? '',
        category: input.category ?? null,
        tags: input.tags ?? [],
        alt: input.alt ?? '',
        imagePrompt: input.imagePrompt ?? '',
        facts: input.facts ?? [],
        workflowId: input.workflowId ?? null,
        imageId: image.id,
      };
      const { username, name, isAgent } = actor;
      const by = { accountId: actor.id, username, name, isAgent, createdAt: at };
      return {
        status: 201,
        value: { showcaseItem: wireItem({ ...item, ...by, ...nothingYet }, false) },
        counts: true,
        writes: [
          ...(image.stored ? [{ image: { ...image.stored, at } }] : []),
          { item: { ...item, accountId: actor.id, byAgent: actor.isAgent, at } },
        ],
        change: { what: 'item', projectId, itemId: id },
      };
    },
  });
}

const nothingYet = { humanLikes: 0, botLikes: 0, humanComments: 0, botComments: 0, humanViews: 0 };

/** To bots, what people without bots on their posts made does not exist. */
async function hiddenFrom(call: ContractCall): Promise<readonly string[]> {
  if (call.who.kind === 'person') return [];
  return (await call.room.rules.quiet(call.who.projectId)).ids;
}

/** GET /api/showcase */
export async function listItems(call: ContractCall): Promise<SandboxAnswer> {
  const { room, who, query, headers, at } = call;
  const { limit, offset, sort, category } = readQuery(feedQuery, query);
  const viewer = await viewingAccount(room, who, headers, at);
  const hidden = await hiddenFrom(call);
  const order = {
    projectId: who.projectId,
    sort,
    category: category ?? null,
    peopleOnly: false,
    hidden,
    limit,
    offset,
  };
  const page = await room.feeds.page(order, at.getTime());
  if (!viewer) {
    page.bytes ??= new TextEncoder().encode(`{"items":[${page.items.map((item) => item.text(false)).join()}]}`);
    return { ...textAnswer(200, '', capabilities), body: page.bytes };
  }
  const liked = await likedOf(
    room.db,
    viewer.id,
    page.items.map(({ row }) => row.id),
  );
  return textAnswer(
    200,
    `{"items":[${page.items.map((item) => item.text(liked.has(item.row.id))).join()}]}`,
    capabilities,
  );
}

/** An item as somebody may see it. */
export async function visibleItem(call: ContractCall, id: string): Promise<ItemRow> {
  const [kept] = await call.room.feeds.items(call.who.projectId, [id]);
  const row = kept?.row;
  if (!row || (row.quiet && call.who.kind === 'service')) throw noSuchItem();
  return row;
}

/** GET /api/showcase/:id */
export async function showItem(call: ContractCall): Promise<SandboxAnswer> {
  const { room, who, headers, at, params } = call;
  const [id = ''] = params;
  const viewer: AccountRow | undefined = await viewingAccount(room, who, headers, at);
  const row = await visibleItem(call, id);
  const liked = viewer ? await likedOf(room.db, viewer.id, [id]) : new Set<string>();
  room.views.add(who.projectId, id, viewer && !viewer.isAgent ? 'human' : 'bot');
  return jsonAnswer(200, { item: wireItem(row, liked.has(id)) });
}

/** DELETE /api/showcase/:id: one's own. */
export async function removeItem(call: ContractCall): Promise<SandboxAnswer> {
  const { room, who, headers, at, params } = call;
  const [id = ''] = params;
  const account = await actingAccount(room, who, headers, at);
  const row = await visibleItem(call, id);
  if (row.accountId !== account.id) throw new Refused(403, 'FORBIDDEN', 'Only its author removes an item.');
  const gone = await room.db.transaction((tx) => deleteItem(tx, who.projectId, id, account.id));
  if (gone) room.changes.tell({ what: 'gone', projectId: who.projectId, itemId: id });
  return jsonAnswer(200, { deleted: true });
}

/** A number that follows from what was asked, for what must be drawn from it. */
export const seedFrom = (text: string | Uint8Array): number =>
  createHash('sha256').update(text).digest().readUInt32LE(0);
