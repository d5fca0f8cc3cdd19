import { type Reader, sql, type Tx } from '#kernel/db';

export type AccountRow = {
  id: string;
  projectId: string;
  username: string;
  name: string;
  bio: string;
  isAgent: boolean;
  agentId: string | null;
  personaId: string | null;
  personId: string | null;
  quiet: boolean;
  createdAt: Date;
  removedAt: Date | null;
};

export async function accountByUsername(
  reader: Reader,
  projectId: string,
  username: string,
): Promise<AccountRow | undefined> {
  const [row] = await reader.query<AccountRow>(sql`
    -- sandbox_account: sandbox_accounts_username
    select id, project_id as "projectId", username, name, bio, is_agent as "isAgent", agent_id as "agentId",
           persona_id as "personaId", person_id as "personId", quiet, created_at as "createdAt", removed_at as "removedAt"
    from sandbox_accounts where project_id = ${projectId} and username = ${username}`);
  return row;
}

export async function accountByAgent(
  reader: Reader,
  projectId: string,
  agentId: string,
): Promise<AccountRow | undefined> {
  const [row] = await reader.query<AccountRow>(sql`
    -- sandbox_account_agent: sandbox_accounts_agent
    select id, project_id as "projectId", username, name, bio, is_agent as "isAgent", agent_id as "agentId",
           persona_id as "personaId", person_id as "personId", quiet, created_at as "createdAt", removed_at as "removedAt"
    from sandbox_accounts where project_id = ${projectId} and agent_id = ${agentId} and removed_at is null`);
  return row;
}

export async function accountByPerson(
  reader: Reader,
  projectId: string,
  personId: string,
): Promise<AccountRow | undefined> {
  const [row] = await reader.query<AccountRow>(sql`
    -- sandbox_account_person: sandbox_accounts_person
    select id, project_id as "projectId", username, name, bio, is_agent as "isAgent", agent_id as "agentId",
           persona_id as "personaId", person_id as "personId", quiet, created_at as "createdAt", removed_at as "removedAt"
    from sandbox_accounts where project_id = ${projectId} and person_id = ${personId} and removed_at is null`);
  return row;
}

/** Until the end of the transaction, for whoever makes or changes the account of this agent. */
export async function lockAgent(tx: Tx, projectId: string, agentId: string): Promise<void> {
  await tx.query(sql`
    -- sandbox_lock_agent: no table
    select pg_advisory_xact_lock(hashtextextended(${projectId} || ' sandbox agent ' || ${agentId}, 0))`);
}

export type NewAccount = Omit<AccountRow, 'createdAt' | 'removedAt' | 'quiet'> & { at: Date };

/** `false`: the username, the agent or the person is there already. */
export async function insertAccount(tx: Tx, account: NewAccount): Promise<boolean> {
  const { id, projectId, username, name, bio, isAgent, agentId, personaId, personId, at } = account;
  const rows = await tx.query(sql`
    -- sandbox_new_account: sandbox_accounts_username, sandbox_accounts_agent, sandbox_accounts_person
    insert into sandbox_accounts (id, project_id, username, name, bio, is_agent, agent_id, persona_id, person_id, created_at)
    values (${id}, ${projectId}, ${username}, ${name}, ${bio}, ${isAgent}, ${agentId}, ${personaId}, ${personId}, ${at})
    on conflict do nothing returning id`);
  return rows.length > 0;
}

/** `false`: the username belongs to somebody else. */
export async function updateAgent(
  tx: Tx,
  account: { id: string; projectId: string; username: string; name: string; bio: string; personaId: string | null },
): Promise<boolean> {
  const rows = await tx.query(sql`
    -- sandbox_update_agent: sandbox_accounts_pkey, sandbox_accounts_username
    update sandbox_accounts a
    set username = ${account.username}, name = ${account.name}, bio = ${account.bio}, persona_id = ${account.personaId}
    where id = ${account.id} and not exists (
      select from sandbox_accounts o
      where o.project_id = ${account.projectId} and o.username = ${account.username} and o.id <> ${account.id})
    returning id`);
  return rows.length > 0;
}

/** What it made stays and goes on saying that a bot made it; its name is free. */
export async function removeAgent(
  tx: Tx,
  account: { projectId: string; agentId: string; username: string; at: Date },
): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(sql`
    -- sandbox_remove_agent: sandbox_accounts_agent
    update sandbox_accounts set removed_at = ${account.at}, username = ${account.username}, name = 'Removed account', bio = ''
    where project_id = ${account.projectId} and agent_id = ${account.agentId} and removed_at is null returning id`);
  return row?.id;
}

export async function setQuiet(tx: Tx, id: string, quiet: boolean): Promise<void> {
  await tx.query(sql`
    -- sandbox_set_quiet: sandbox_accounts_pkey
    update sandbox_accounts set quiet = ${quiet} where id = ${id} and not is_agent`);
}

export async function quietAccounts(reader: Reader, projectId: string): Promise<{ id: string; username: string }[]> {
  return reader.query<{ id: string; username: string }>(sql`
    -- sandbox_quiet: sandbox_accounts_quiet
    select id, username from sandbox_accounts where project_id = ${projectId} and quiet order by id`);
}

export type AccountStats = {
  items: number;
  comments: number;
  humanLikes: number;
  botLikes: number;
  humanComments: number;
  botComments: number;
};

export async function statsOf(reader: Reader, accountId: string): Promise<AccountStats> {
  const [row] = await reader.query<AccountStats>(sql`
    -- sandbox_account_stats: sandbox_items_account, sandbox_comments_account
    select count(*)::int as items, coalesce(sum(human_likes), 0)::int as "humanLikes",
           coalesce(sum(bot_likes), 0)::int as "botLikes", coalesce(sum(human_comments), 0)::int as "humanComments",
           coalesce(sum(bot_comments), 0)::int as "botComments",
           (select count(*)::int from sandbox_comments where account_id = ${accountId}) as comments
    from sandbox_items where account_id = ${accountId}`);
  return row ?? { items: 0, comments: 0, humanLikes: 0, botLikes: 0, humanComments: 0, botComments: 0 };
}
