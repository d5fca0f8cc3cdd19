import {
  type AccountRow,
  accountByAgent,
  accountByUsername,
  insertAccount,
  lockAgent,
  removeAgent,
  statsOf,
  updateAgent,
} from '../queries/accounts.ts';
import { idsOfAccount, likedOf } from '../queries/items.ts';
import { jsonAnswer, Refused, type SandboxAnswer } from '../room/answers.ts';
import { viewingAccount } from '../room/caller.ts';
import { itemsInOrder } from '../room/feeds.ts';
import { idFrom } from '../room/ids.ts';
import { wireAccount, wireItem } from '../room/wire.ts';
import type { ContractCall } from './context.ts';
import { inviteSchema, pageQuery, readJson, readQuery } from './input.ts';

const noSuchUser = (): Refused => new Refused(404, 'NOT_FOUND', 'There is no such account.');

async function accountNamed({ room, who, params }: ContractCall): Promise<AccountRow> {
  const found = await accountByUsername(room.db, who.projectId, params[0] ?? '');
  if (!found) throw noSuchUser();
  return found;
}

/** GET /api/users/:username */
export async function showUser(call: ContractCall): Promise<SandboxAnswer> {
  const account = await accountNamed(call);
  return jsonAnswer(200, wireAccount(account, await statsOf(call.room.db, account.id)));
}

/** GET /api/users/:username/showcase */
export async function showcaseOf(call: ContractCall): Promise<SandboxAnswer> {
  const { room, who, query, headers, at } = call;
  const viewer = await viewingAccount(room, who, headers, at);
  const account = await accountNamed(call);
  const { limit, offset } = readQuery(pageQuery, query);
  const hidden = account.quiet && who.kind === 'service';
  const ids = hidden ? [] : await idsOfAccount(room.db, account.id, { limit, offset });
  const rows = await itemsInOrder(room.db, who.projectId, ids);
  const liked = viewer ? await likedOf(room.db, viewer.id, ids) : new Set<string>();
  return jsonAnswer(200, { showcase: rows.map((row) => wireItem(row, liked.has(row.id))) });
}

function requireAdmin({ who }: ContractCall): void {
  if (who.kind !== 'service' || !who.admin)
    throw new Refused(403, 'FORBIDDEN', 'This token lacks users:write (gallery:admin).');
}

/** POST /api/admin/users/invite: the account of a bot; repeated, it is brought to what is said now. */
export async function inviteAgent(call: ContractCall): Promise<SandboxAnswer> {
  requireAdmin(call);
  const { room, who, at, body } = call;
  const { projectId } = who;
  const { agentId, name, username, agentPersonaId, bio } = readJson(inviteSchema, body);
  const account = await room.db.transaction(async (tx) => {
    // One at a time for one agent: the second of two invites at once finds the account of the first.
    await lockAgent(tx, projectId, agentId);
    const known = await accountByAgent(tx, projectId, agentId);
    if (known) {
      const now = { id: known.id, projectId, username, name, bio: bio ?? known.bio, personaId: agentPersonaId ?? null };
      return (await updateAgent(tx, now)) ? { id: known.id, created: false } : undefined;
    }
    const id = idFrom('account', projectId, 'agent', agentId, String(at.getTime()));
    const fresh = {
      id,
      projectId,
      username,
      name,
      bio: bio ?? '',
      isAgent: true,
      agentId,
      personaId: agentPersonaId ?? null,
      personId: null,
      at,
    };
    return (await insertAccount(tx, fresh)) ? { id, created: true } : undefined;
  });
  if (!account) throw await usernameTaken(call, username);
  room.changes.tell({ what: 'rules', projectId });
  return jsonAnswer(account.created ? 201 : 200, { id: account.id, username, created: account.created });
}

async function usernameTaken({ room, who }: ContractCall, username: string): Promise<Refused> {
  const owner = await accountByUsername(room.db, who.projectId, username);
  const by = owner
    ? {
        username,
        name: owner.name,
        isAgent: owner.isAgent,
        ...(owner.agentId === null ? {} : { agentId: owner.agentId }),
      }
    : null;
  const whom = owner ? (owner.isAgent ? `the automated account ${owner.agentId}` : 'a person') : 'somebody';
  return new Refused(422, 'USERNAME_TAKEN', `The username ${username} belongs to ${whom}.`, { takenBy: by });
}

/** DELETE /api/admin/users/:agentId */
export async function removeAgentUser(call: ContractCall): Promise<SandboxAnswer> {
  requireAdmin(call);
  const { room, who, at, params } = call;
  const { projectId } = who;
  const [agentId = ''] = params;
  const username = `removed_${idFrom('account', projectId, agentId, String(at.getTime())).slice(4, 16)}`;
  const id = await room.db.transaction((tx) => removeAgent(tx, { projectId, agentId, username, at }));
  if (id === undefined) throw noSuchUser();
  room.changes.tell({ what: 'rules', projectId });
  return jsonAnswer(200, { deleted: true });
}
