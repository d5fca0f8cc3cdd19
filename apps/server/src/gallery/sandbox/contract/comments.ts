import type { AccountRow } from '../queries/accounts.ts';
import { commentsOf, deleteComment } from '../queries/comments.ts';
import { performAct } from '../room/act.ts';
import { jsonAnswer, noSuchItem, Refused, type SandboxAnswer } from '../room/answers.ts';
import { actingAccount, viewingAccount } from '../room/caller.ts';
import { freshId, idFrom } from '../room/ids.ts';
import type { SandboxRoom } from '../room/room.ts';
import { wireComment } from '../room/wire.ts';
import type { ContractCall } from './context.ts';
import { newCommentSchema, readJson, readQuery, threadQuery } from './input.ts';
import { visibleItem } from './showcase.ts';

/** Says something below an item. A bot speaks below its own only to answer: when the last word there is somebody else's. */
export async function addComment(
  room: SandboxRoom,
  comment: {
    projectId: string;
    account: AccountRow;
    itemId: string;
    content: string;
    key: string | undefined;
    at: Date;
  },
): Promise<SandboxAnswer> {
  const { projectId, account, itemId, content, key, at } = comment;
  return performAct(room, {
    projectId,
    account,
    kind: 'comment',
    itemId,
    at,
    key,
    digest: JSON.stringify(['comment', itemId, content]),
    body: (actor, found) => {
      if (!found || (actor.isAgent && found.quiet)) throw noSuchItem();
      const own = found.ownerId === actor.id;
      if (actor.isAgent && own && (found.lastBy === null || found.lastBy === actor.id))
        throw new Refused(403, 'OWN_ITEM', 'Nobody else has spoken below this item since its author did.');
      const id =
        key === undefined ? freshId('comment') : idFrom('comment', projectId, account.agentId ?? account.id, key);
      const comment = { id, projectId, itemId, accountId: actor.id, isAgent: actor.isAgent, content, at };
      const { username, name, isAgent } = actor;
      const row = { id, itemId, content, createdAt: at, accountId: actor.id, username, name, isAgent };
      return {
        status: 201,
        value: { comment: wireComment(row) },
        counts: true,
        writes: [{ comment }],
        change: { what: 'comment', projectId, itemId, commentId: id },
      };
    },
  });
}

/** POST /api/showcase/:id/comments */
export async function postComment({ room, who, headers, at, params, body }: ContractCall): Promise<SandboxAnswer> {
  const account = await actingAccount(room, who, headers, at);
  const { content } = readJson(newCommentSchema, body);
  const [itemId = ''] = params;
  return addComment(room, {
    projectId: who.projectId,
    account,
    itemId,
    content,
    key: headers['idempotency-key'],
    at,
  });
}

/** GET /api/showcase/:id/comments: oldest first; `order=desc` the other way. */
export async function listComments(call: ContractCall): Promise<SandboxAnswer> {
  const { room, who, headers, at, params, query } = call;
  const { limit, offset, order } = readQuery(threadQuery, query);
  await viewingAccount(room, who, headers, at);
  const [itemId = ''] = params;
  await visibleItem(call, itemId);
  const rows = await commentsOf(room.db, itemId, { limit, offset, newestFirst: order === 'desc' });
  return jsonAnswer(200, { comments: rows.map(wireComment) });
}

/** DELETE /api/showcase/:id/comments/:comment: one's own. */
export async function removeComment({ room, who, headers, at, params }: ContractCall): Promise<SandboxAnswer> {
  const account = await actingAccount(room, who, headers, at);
  const [, id = ''] = params;
  const { projectId } = who;
  const itemId = await room.db.transaction((tx) => deleteComment(tx, projectId, id, account.id));
  if (itemId === undefined) throw new Refused(404, 'NOT_FOUND', 'There is no such comment of this account.');
  room.changes.tell({ what: 'counts', projectId, itemId });
  return jsonAnswer(200, { deleted: true });
}
