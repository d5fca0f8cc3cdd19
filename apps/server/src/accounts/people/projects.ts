import { type PersonPrincipal, writeAudit } from '#kernel/auth';
import { conflict, exhausted, type MusterError, newId } from '#kernel/base';
import type { Once } from '#kernel/http';
import { peopleLimits } from './limits.ts';
import { putMembership } from './queries/people.ts';
import {
  countProjects,
  insertProject,
  isNameTaken,
  lockProject,
  type ProjectRow,
  changeProject as writeProject,
} from './queries/projects.ts';
import type { PeopleRoom } from './room.ts';
import { noSuchProject, requireFresh } from './signed-in.ts';

/** Whoever administers the installation, as the route made sure. */
type AdminAsker = { who: PersonPrincipal; address: string; requestId: string };

const nameTaken = (): MusterError => conflict('project_name_taken', 'Another project has this name.');

/** Whoever makes a project is its first administrator. Errors: `conflict` `project_name_taken`; `exhausted` `projects_full`. */
export async function createProject(
  room: PeopleRoom,
  { who, address, requestId }: AdminAsker,
  name: string,
  once: Once,
): Promise<ProjectRow> {
  return room.db.transaction((tx) =>
    once(tx, async () => {
      if ((await countProjects(tx)) >= peopleLimits.projectsMax)
        throw exhausted('projects_full', `There are ${peopleLimits.projectsMax} projects already.`);
      const at = new Date(room.clock.now());
      const row = await insertProject(tx, newId('project'), name, at);
      if (!row) throw nameTaken();
      await putMembership(tx, { projectId: row.id, personId: who.personId, role: 'admin', at });
      await writeAudit(tx, { who, address, requestId, action: 'project.created', subject: row.id, after: { name } });
      return row;
    }),
  );
}

/** A new name, or an end: an archived project can be read only, and comes back with `archived: false`. Errors: as above; `forbidden` `password_needed`; `notFound` `no_such_project`. */
export async function changeProject(
  room: PeopleRoom,
  { who, address, requestId }: AdminAsker,
  id: string,
  change: { name?: string | undefined; archived?: boolean | undefined },
): Promise<ProjectRow> {
  if (change.archived !== undefined) requireFresh(room, who.confirmedAt);
  return room.db.transaction(async (tx) => {
    const before = await lockProject(tx, id);
    if (!before) throw noSuchProject();
    const name = change.name ?? before.name;
    if (await isNameTaken(tx, name, id)) throw nameTaken();
    const now = new Date(room.clock.now());
    const archivedAt =
      change.archived === undefined ? before.archivedAt : change.archived ? (before.archivedAt ?? now) : null;
    await writeProject(tx, { id, name, archivedAt });
    room.auth.peopleChanged(tx, { project: id });
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'project.changed',
      subject: id,
      before: { name: before.name, archived: before.archivedAt !== null },
      after: { name, archived: archivedAt !== null },
    });
    return { ...before, name, archivedAt };
  });
}
