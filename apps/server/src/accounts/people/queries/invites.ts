import type { Role } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

export type InviteRow = {
  id: string;
  projectId: string;
  role: Role;
  note: string;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  usedAt: Date | null;
  usedBy: string | null;
  revokedAt: Date | null;
};

export async function insertInvite(
  tx: Tx,
  invite: Pick<InviteRow, 'id' | 'projectId' | 'role' | 'note' | 'createdBy' | 'createdAt' | 'expiresAt'> & {
    secretHash: Uint8Array;
  },
): Promise<void> {
  await tx.query(sql`
    -- insert_invite: primary key
    insert into invites (id, secret_hash, project_id, role, note, created_by, created_at, expires_at)
    values (${invite.id}, ${invite.secretHash}, ${invite.projectId}, ${invite.role}, ${invite.note}, ${invite.createdBy},
      ${invite.createdAt}, ${invite.expiresAt})`);
}

export async function countOpenInvites(reader: Reader, projectId: string, at: Date): Promise<number> {
  const rows = await reader.query<{ n: number }>(sql`
    -- count_open_invites: index invites_project (project_id, id desc)
    select count(*)::int as n from invites
    where project_id = ${projectId} and used_at is null and revoked_at is null and expires_at > ${at}`);
  return rows[0]?.n ?? 0;
}

export async function listInvites(
  reader: Reader,
  projectId: string,
  before: string | null,
  limit: number,
): Promise<InviteRow[]> {
  return reader.query<InviteRow>(sql`
    -- list_invites: index invites_project (project_id, id desc)
    select id, project_id as "projectId", role, note, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      used_at as "usedAt", used_by as "usedBy", revoked_at as "revokedAt"
    from invites where project_id = ${projectId} and (${before}::text is null or id < ${before}) order by id desc limit ${limit}`);
}

export type OpenInvite = Pick<InviteRow, 'id' | 'projectId' | 'role' | 'createdBy'> & { projectName: string };

/** An invite that can be used at `at`. Locked where it is used, so that it is used once. */
export async function findOpenInvite(
  reader: Reader,
  secretHash: Uint8Array,
  at: Date,
): Promise<OpenInvite | undefined> {
  const rows = await reader.query<OpenInvite>(sql`
    -- find_open_invite: unique (secret_hash)
    select i.id, i.project_id as "projectId", i.role, i.created_by as "createdBy", j.name as "projectName"
    from invites i join projects j on j.id = i.project_id
    where i.secret_hash = ${secretHash} and i.used_at is null and i.revoked_at is null and i.expires_at > ${at}
      and j.archived_at is null`);
  return rows[0];
}

/** False when somebody was faster. */
export async function useInvite(tx: Tx, id: string, personId: string, at: Date): Promise<boolean> {
  const rows = await tx.query(sql`
    -- use_invite: primary key
    update invites set used_at = ${at}, used_by = ${personId}
    where id = ${id} and used_at is null and revoked_at is null and expires_at > ${at} returning 1`);
  return rows.length > 0;
}

export async function revokeInvite(tx: Tx, projectId: string, id: string, at: Date): Promise<InviteRow | undefined> {
  const rows = await tx.query<InviteRow>(sql`
    -- revoke_invite: primary key
    update invites set revoked_at = case when used_at is null then coalesce(revoked_at, ${at}) end
    where id = ${id} and project_id = ${projectId}
    returning id, project_id as "projectId", role, note, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      used_at as "usedAt", used_by as "usedBy", revoked_at as "revokedAt"`);
  return rows[0];
}
