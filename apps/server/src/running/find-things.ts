import { type Checklist, type ChecklistStep, consolePathOf, type Resolved, type SearchAnswer } from '@muster/protocol';
import { isInstallation, type Principal } from '#kernel/auth';
import { type MusterError, notFound } from '#kernel/base';
import { findJob } from '#kernel/queue';
import type { RunningDeps } from './deps.ts';
import { runningLimits } from './limits.ts';
import { findAudit, findKeys, findPeople, projectName, readFirsts } from './queries/find.ts';
import { maySee } from './rights.ts';

type Deps = Pick<RunningDeps, 'db' | 'log' | 'builds' | 'gallery'>;

const noSuchThing = (id: string): MusterError =>
  notFound(
    'no_such_thing',
    `Nothing here has the id ${id.slice(0, 64)}: it never was, is gone, or is another project's.`,
  );

const person = (id: string, name: string, role: string): Resolved => ({
  kind: 'person',
  id,
  name,
  path: consolePathOf.person(id),
  area: 'people',
  api: null,
  state: role,
});
const key = (id: string, name: string, state: string): Resolved => ({
  kind: 'key',
  id,
  name,
  path: consolePathOf.key(id),
  area: 'people',
  api: null,
  state,
});

/** What an id is and where it is shown. `notFound` `no_such_thing`, also for what the caller may not see. */
export async function resolveId(deps: Deps, who: Principal, id: string): Promise<Resolved> {
  const found = await look(deps, who, id);
  if (!found) throw noSuchThing(id);
  return found;
}

async function look(deps: Deps, who: Principal, id: string): Promise<Resolved | undefined> {
  const { db, builds, gallery } = deps;
  const { projectId } = who;
  const prefix = id.slice(0, 4);
  if (['bld_', 'wrk_', 'art_', 'dgr_'].includes(prefix))
    return maySee(who, 'builds:read') ? builds.resolve(projectId, id) : undefined;
  if (['gbt_', 'act_'].includes(prefix))
    return maySee(who, 'gallery:read') ? gallery.resolve(projectId, id) : undefined;
  if (prefix === 'job_') return jobOf(deps, who, id);
  if (prefix === 'prj_') {
    const name = id === projectId ? await projectName(db, projectId) : undefined;
    return name === undefined
      ? undefined
      : { kind: 'project', id, name, path: consolePathOf.project(id), area: 'people', api: null, state: null };
  }
  if (prefix === 'usr_' && maySee(who, 'accounts:read')) {
    const found = (await findPeople(db, projectId, id, 2)).find((each) => each.id === id);
    return found && person(found.id, found.name, found.role);
  }
  if (!maySee(who, 'accounts:admin')) return undefined;
  if (prefix === 'key_' || prefix === 'mst_') {
    const [found] = await findKeys(db, projectId, id, 1);
    return found && key(found.id, found.name, found.state);
  }
  if (prefix !== 'aud_') return undefined;
  const row = await findAudit(db, projectId, id);
  return (
    row && {
      kind: 'audit',
      id,
      name: row.action,
      path: consolePathOf.audit(id),
      area: 'people',
      api: null,
      state: null,
    }
  );
}

async function jobOf({ db }: Deps, who: Principal, id: string): Promise<Resolved | undefined> {
  if (!isInstallation(who)) return undefined;
  const job = await findJob(db, id);
  return (
    job && {
      kind: 'job',
      id,
      name: job.kind,
      path: consolePathOf.job(id),
      area: 'system',
      api: `/v1/jobs/${id}`,
      state: job.state,
    }
  );
}

/** Ids and names that hold the text, best first, of what the caller may see. */
export async function searchThings(
  deps: Deps,
  who: Principal,
  { q, limit }: { q: string; limit: number },
): Promise<SearchAnswer> {
  const { db, log, builds, gallery } = deps;
  const { projectId } = who;
  const most = Math.min(limit, runningLimits.foundPerKindMax);
  const found = await Promise.all([
    /^(?:job|aud|art|dgr|act|prj)_[0-9a-z]{26}$/.test(q) ? look(deps, who, q) : undefined,
    maySee(who, 'builds:read') ? builds.find(projectId, q, most + 1) : [],
    maySee(who, 'gallery:read') ? gallery.find(projectId, q, most + 1) : [],
    maySee(who, 'streams:read') ? log.list(projectId, q, { limit: most + 1 }) : undefined,
    maySee(who, 'accounts:admin') ? findKeys(db, projectId, q, most + 1) : [],
    maySee(who, 'accounts:read') ? findPeople(db, projectId, q, most + 1) : [],
  ]);
  const [exact, ofBuilds, ofGallery, streams, keys, people] = found;
  const all: Resolved[] = [
    ...(exact ? [exact] : []),
    ...ofBuilds,
    ...ofGallery,
    ...(streams?.items ?? [])
      .filter(({ key: { path } }) => !managed.test(path))
      .map(({ key: { path } }) => stream(path)),
    ...keys.map(({ id, name, state }) => key(id, name, state)),
    ...people.map(({ id, name, role }) => person(id, name, role)),
  ];
  const ranked = all
    .map((thing, order) => ({ thing, order, rank: rankOf(thing, q.toLowerCase()) }))
    .toSorted((a, b) => a.rank - b.rank || a.order - b.order)
    .map(({ thing }) => thing);
  return { items: ranked.slice(0, limit), more: ranked.length > limit };
}

/** Streams of rooms are found as what they belong to. */
const managed = /^(?:builds|gallery|projects|installation)\//;

const stream = (path: string): Resolved => ({
  kind: 'stream',
  id: path,
  name: path,
  path: consolePathOf.stream(path),
  area: 'streams',
  api: `/v1/stream/${path.split('/').map(encodeURIComponent).join('/')}`,
  state: null,
});

function rankOf({ id, name }: Resolved, text: string): number {
  const words = [id.toLowerCase(), name?.toLowerCase() ?? ''];
  if (words.includes(text)) return 0;
  return words.some((word) => word.startsWith(text)) ? 1 : 2;
}

/** What a newcomer has done already, by what there is. Steps whose area the caller may not read are left out. */
export async function showChecklist(deps: Deps, who: Principal): Promise<Checklist> {
  const { db, builds, gallery } = deps;
  const { projectId } = who;
  const sees = {
    builds: maySee(who, 'builds:read'),
    gallery: maySee(who, 'gallery:read'),
    people: maySee(who, 'accounts:read'),
  };
  const [firsts, ofBuilds, bot] = await Promise.all([
    readFirsts(db, projectId),
    sees.builds ? builds.firsts(projectId) : undefined,
    sees.gallery ? gallery.hasBot(projectId) : undefined,
  ]);
  const step = (name: ChecklistStep, done: boolean, path: string): Checklist['items'][number] => ({
    step: name,
    done,
    path,
  });
  const items = [
    ...(sees.people
      ? [step('admin', firsts.admin, '/settings/people'), step('key', firsts.key, '/settings/keys?new=1')]
      : []),
    ...(ofBuilds
      ? [step('worker', ofBuilds.worker, '/builds/workers?add=1'), step('build', ofBuilds.build, '/builds/new')]
      : []),
    ...(bot === undefined
      ? []
      : [step('galleryBot', bot, '/gallery/bots/new'), step('budget', firsts.budget, '/gallery/budgets')]),
    ...(sees.people ? [step('secondPerson', firsts.people > 1, '/settings/people?invite=1')] : []),
  ];
  return { done: items.filter(({ done }) => done).length, of: items.length, items };
}
