import { type View, type viewBody, viewLimits } from '@muster/protocol';
import type { z } from 'zod';
import { type Principal, writeAudit } from '#kernel/auth';
import { exhausted, type MusterError, notFound } from '#kernel/base';
import type { AccountsDeps, Asker } from './deps.ts';
import * as queries from './view-queries.ts';

type Deps = Pick<AccountsDeps, 'db' | 'auth' | 'clock'>;

/** Private ones belong to a person, or a key. */
const ownerOf = (who: Principal): string =>
  who.kind === 'person' ? who.personId : who.kind === 'key' ? who.keyId : '';

export const listViews = ({ db }: Deps, who: Principal, page: string | undefined): Promise<queries.ViewRow[]> =>
  queries.listViews(db, who.projectId, ownerOf(who), page ?? null);

/**
 * Errors: `forbidden` `missing_scope` where it is, or becomes, shared; `notFound` `no_such_view` for an id somebody else has;
 * `exhausted` `views_full`.
 */
export async function putView(
  { db, auth, clock }: Deps,
  { who, address, requestId }: Asker,
  id: string,
  body: z.output<typeof viewBody>,
): Promise<queries.ViewRow> {
  const owner = ownerOf(who);
  return db.transaction(async (tx) => {
    const before = await queries.lockView(tx, who.projectId, id);
    if (before && !before.shared && before.ownerId !== owner) throw noSuchView();
    if (body.shared || before?.shared === true) auth.requireScope(who, 'accounts:operate');
    const max = body.shared ? viewLimits.perProjectMax : viewLimits.perPersonMax;
    const isMore = before?.shared !== body.shared;
    if (isMore && (await queries.countViews(tx, who.projectId, body.shared ? null : owner)) >= max)
      throw exhausted('views_full', `${max} views are kept already; remove one first.`);
    const ownerId = before?.ownerId ?? owner;
    const row = { ...body, id, projectId: who.projectId, ownerId, updatedAt: new Date(clock.now()) };
    await queries.putView(tx, row);
    const { name, page, search, shared } = body;
    const after = { name, page, search, shared };
    await writeAudit(tx, { who, address, requestId, action: 'view.saved', subject: id, after });
    return row;
  });
}

/** The same errors. */
export async function removeView({ db, auth }: Deps, { who, address, requestId }: Asker, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    const before = await queries.lockView(tx, who.projectId, id);
    if (!before || (!before.shared && before.ownerId !== ownerOf(who))) throw noSuchView();
    if (before.shared) auth.requireScope(who, 'accounts:operate');
    await queries.removeView(tx, who.projectId, id);
    const { name, page, search, shared } = before;
    const was = { name, page, search, shared };
    await writeAudit(tx, { who, address, requestId, action: 'view.removed', subject: id, before: was });
  });
}

const noSuchView = (): MusterError => notFound('no_such_view', 'There is no such view.');

export const showView = ({ id, name, page, search, shared, ownerId, updatedAt }: queries.ViewRow): View => ({
  id,
  name,
  page,
  search,
  shared,
  createdBy: ownerId,
  updatedAt: updatedAt.toISOString(),
});
