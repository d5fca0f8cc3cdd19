import type { Role } from '@muster/protocol';
import { type Reader, sql } from '#kernel/db';

export async function findByEmail(reader: Reader, email: string): Promise<{ id: string } | undefined> {
  const rows = await reader.query<{ id: string }>(sql`
    -- find_by_email: unique (email)
    select id from people where email = ${email}`);
  return rows[0];
}

export type PersonByHand = {
  id: string;
  email: string;
  name: string;
  installationAdmin: boolean;
  hasPassword: boolean;
  secondFactor: boolean;
  signIns: number;
  lastSignInAt: Date | null;
  projects: { name: string; role: Role }[];
};

/** As many as there are people: asked for by somebody at the machine. */
export async function listEveryone(reader: Reader): Promise<PersonByHand[]> {
  return reader.query<PersonByHand>(sql`
    -- list_everyone: sequential over people, the rest by their keys
    select p.id, p.email, p.name, p.installation_admin as "installationAdmin",
      exists (select 1 from person_credentials c where c.person_id = p.id and c.password is not null) as "hasPassword",
      exists (select 1 from second_factors f where f.person_id = p.id and f.confirmed_at is not null) as "secondFactor",
      (select count(*)::int from sign_ins s where s.person_id = p.id and s.expires_at > now()) as "signIns",
      (select s.created_at from sign_ins s where s.person_id = p.id order by s.id desc limit 1) as "lastSignInAt",
      coalesce((select jsonb_agg(jsonb_build_object('name', j.name, 'role', m.role) order by j.name)
        from memberships m join projects j on j.id = m.project_id where m.person_id = p.id), '[]') as projects
    from people p order by p.email`);
}
