import type { Persona } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

export type PersonaSheet = {
  id: string;
  version: number;
  body: Persona;
  builtIn: boolean;
  bots: number;
  createdAt: Date;
  updatedAt: Date;
};

const columns = sql`
  p.id, p.version, p.body, p.built_in as "builtIn", p.created_at as "createdAt", p.updated_at as "updatedAt",
  (select count(*)::int from gallery_bots b
    where b.project_id = p.project_id and b.persona_id = p.id and b.state <> 'deleted') as bots`;

export async function listPersonas(
  reader: Reader,
  projectId: string,
  page: { after: string | null; limit: number },
): Promise<PersonaSheet[]> {
  return reader.query<PersonaSheet>(sql`
    -- list_personas: gallery_personas_pkey, gallery_bots_persona
    select ${columns} from gallery_personas p
    where p.project_id = ${projectId} and (${page.after}::text is null or p.id > ${page.after})
    order by p.id limit ${page.limit}`);
}

export async function readPersona(reader: Reader, projectId: string, id: string): Promise<PersonaSheet | undefined> {
  const [row] = await reader.query<PersonaSheet>(sql`
    -- read_persona: gallery_personas_pkey, gallery_bots_persona
    select ${columns} from gallery_personas p where p.project_id = ${projectId} and p.id = ${id}`);
  return row;
}

/** Bodies only; `null` = all of the project. */
export async function readBodies(
  reader: Reader,
  projectId: string,
  ids: readonly string[] | null,
): Promise<{ id: string; version: number; body: Persona; builtIn: boolean }[]> {
  return reader.query(sql`
    -- read_persona_bodies: gallery_personas_pkey
    select id, version, body, built_in as "builtIn" from gallery_personas
    where project_id = ${projectId} and (${ids}::text[] is null or id = any(${ids}::text[])) order by id`);
}

export async function lockPersona(
  tx: Tx,
  projectId: string,
  id: string,
): Promise<{ id: string; version: number; body: Persona; builtIn: boolean } | undefined> {
  const [row] = await tx.query<{ id: string; version: number; body: Persona; builtIn: boolean }>(sql`
    -- lock_persona: gallery_personas_pkey
    select id, version, body, built_in as "builtIn" from gallery_personas
    where project_id = ${projectId} and id = ${id} for update`);
  return row;
}

export async function countPersonas(reader: Reader, projectId: string): Promise<number> {
  const [row] = await reader.query<{ n: number }>(sql`
    -- count_personas: gallery_personas_pkey
    select count(*)::int as n from gallery_personas where project_id = ${projectId}`);
  return row?.n ?? 0;
}

/** `false`: the id is taken. */
export async function insertPersona(
  tx: Tx,
  projectId: string,
  persona: Persona,
  at: Date,
  builtIn = false,
): Promise<boolean> {
  const rows = await tx.query(sql`
    -- insert_persona: gallery_personas_pkey
    insert into gallery_personas (project_id, id, body, built_in, created_at, updated_at)
    values (${projectId}, ${persona.id}, ${JSON.stringify(persona)}::jsonb, ${builtIn}, ${at}, ${at})
    on conflict (project_id, id) do nothing returning 1`);
  return rows.length > 0;
}

/** Built-in ones of this version of the server; a project that has them keeps them up to date. */
export async function writeBuiltIns(tx: Tx, projectId: string, personas: readonly Persona[], at: Date): Promise<void> {
  await tx.query(sql`
    -- write_built_ins: gallery_personas_pkey
    insert into gallery_personas (project_id, id, body, built_in, created_at, updated_at)
    select ${projectId}, r.value ->> 'id', r.value, true, ${at}, ${at}
    from jsonb_array_elements(${JSON.stringify(personas)}::jsonb) r
    on conflict (project_id, id) do update set body = excluded.body, version = gallery_personas.version + 1,
      updated_at = excluded.updated_at
    where gallery_personas.built_in and gallery_personas.body <> excluded.body`);
}

export async function updatePersona(tx: Tx, projectId: string, persona: Persona, at: Date): Promise<void> {
  await tx.query(sql`
    -- update_persona: gallery_personas_pkey
    update gallery_personas set body = ${JSON.stringify(persona)}::jsonb, version = version + 1, updated_at = ${at}
    where project_id = ${projectId} and id = ${persona.id}`);
}

export async function deletePersona(tx: Tx, projectId: string, id: string): Promise<void> {
  await tx.query(sql`
    -- delete_persona: gallery_personas_pkey
    delete from gallery_personas where project_id = ${projectId} and id = ${id}`);
}

/** Bots of it, deleted ones included: they too hold on to the row. */
export async function countPersonaBots(reader: Reader, projectId: string, id: string): Promise<number> {
  const [row] = await reader.query<{ n: number }>(sql`
    -- count_persona_bots: gallery_bots_persona
    select count(*)::int as n from gallery_bots where project_id = ${projectId} and persona_id = ${id}`);
  return row?.n ?? 0;
}

export async function moveBots(tx: Tx, projectId: string, from: string, to: string, at: Date): Promise<number> {
  const rows = await tx.query(sql`
    -- move_persona_bots: gallery_bots_persona
    update gallery_bots set persona_id = ${to}, next_think_at = null, generation = generation + 1,
      version = version + 1, updated_at = ${at}
    where project_id = ${projectId} and persona_id = ${from} returning 1`);
  return rows.length;
}

/** Timers of its bots are set anew: its curve, zone or tier is another one. */
export async function rescheduleBots(tx: Tx, projectId: string, personaId: string): Promise<void> {
  await tx.query(sql`
    -- reschedule_persona_bots: gallery_bots_persona
    update gallery_bots set next_think_at = null, generation = generation + 1
    where project_id = ${projectId} and persona_id = ${personaId} and desired = 'running'`);
}
