import type { AccountRow } from '../queries/accounts.ts';
import { performAct } from '../room/act.ts';
import { noSuchItem, Refused, type SandboxAnswer } from '../room/answers.ts';
import { actingAccount } from '../room/caller.ts';
import type { SandboxRoom } from '../room/room.ts';
import type { ContractCall } from './context.ts';

type Wanted = 'toggle' | 'liked' | 'unliked';

/** Likes, takes a like back, or turns it over. A bot does not like what is its own, or what is hidden from bots. */
export async function setLike(
  room: SandboxRoom,
  like: {
    projectId: string;
    account: AccountRow;
    itemId: string;
    wanted: Wanted;
    key: string | undefined;
    at: Date;
  },
): Promise<SandboxAnswer> {
  const { projectId, account, itemId, wanted, key, at } = like;
  return performAct(room, {
    projectId,
    account,
    kind: 'like',
    itemId,
    at,
    key,
    digest: JSON.stringify(['like', itemId, wanted]),
    body: (actor, found) => {
      if (!found || (actor.isAgent && found.quiet)) throw noSuchItem();
      if (actor.isAgent && found.ownerId === actor.id)
        throw new Refused(403, 'OWN_ITEM', 'An automated account does not like its own items.');
      const liked = wanted === 'toggle' ? !found.liked : wanted === 'liked';
      const moves = liked !== found.liked;
      const value = { success: true, liked, likeCount: found.likes + (moves ? (liked ? 1 : -1) : 0) };
      if (!moves) return { status: 200, value, counts: false, writes: [] };
      const like = { itemId, accountId: actor.id, isAgent: actor.isAgent, at };
      const writes = [liked ? { like } : { unlike: like }];
      return { status: 200, value, counts: liked, writes, change: { what: 'counts', projectId, itemId } };
    },
  });
}

const likeBy =
  (wanted: Wanted) =>
  async ({ room, who, headers, at, params }: ContractCall): Promise<SandboxAnswer> => {
    const account = await actingAccount(room, who, headers, at);
    const [itemId = ''] = params;
    const key = headers['idempotency-key'];
    return setLike(room, { projectId: who.projectId, account, itemId, wanted, key, at });
  };

/** POST /api/showcase/:id/like */
export const toggleLike = likeBy('toggle');
/** PUT /api/showcase/:id/like */
export const putLike = likeBy('liked');
/** DELETE /api/showcase/:id/like */
export const removeLike = likeBy('unliked');
