import { createHash } from 'node:crypto';
import { idPattern } from '@muster/protocol';
import { type ForeignCredential, holdsScopes, type Principal } from '#kernel/auth';
import { conflict, forbidden, never, notFound, randomToken } from '#kernel/base';
import { type Reader, sql } from '#kernel/db';
import type { RequestHead } from '#kernel/http';
import type { BuildsDeps } from './deps.ts';
import { type BuildNow, type BuildRow, type HeldNow, readBuildRow } from './queries/build-row.ts';
import type { Room } from './room.ts';

/**
 * - `read` look at it · `operate` cancel, retry, change it · `holder` act as the attempt that holds it
 */
export type Need = 'read' | 'operate' | 'holder';

const accessToken = /^[A-Za-z0-9_-]{43}$/;
/** Credentials of other kinds say so at their start; a build's own token never begins like one. */
const otherKind = /^(mst|wkt|bld|bot|agt)_/;

export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** 32 random bytes, base64url: the access token of one build. */
export function newAccessToken(): string {
  for (;;) {
    const token = randomToken(32);
    if (!otherKind.test(token)) return token;
  }
}

/** How the server knows the access token of a build; handed to `auth.recognise` once. */
export const accessTokens = (reader: Reader): ForeignCredential => ({
  looksLike: (credential) => accessToken.test(credential) && !otherKind.test(credential),
  resolve: async (credential) => {
    const found = await findByAccessToken(reader, credential);
    return found && { kind: 'build', ...found };
  },
});

/** Who calls a builds route: a key, a run token, or a build's own access token. Errors as `auth.authenticate`. */
export async function buildPrincipal(
  room: Pick<BuildsDeps, 'auth'>,
  head: Pick<RequestHead, 'headers' | 'address'>,
): Promise<Principal> {
  const header = head.headers.authorization;
  const credential = header === undefined ? undefined : (/^bearer[ \t]+(\S+)[ \t]*$/i.exec(header)?.[1] ?? '');
  return await room.auth.authenticate(credential, head.address);
}

/** The build an access token opens. The compat layer asks with `X-Build-Token`. */
export async function findByAccessToken(
  reader: Reader,
  token: string,
): Promise<{ buildId: string; projectId: string } | undefined> {
  const [found] = await reader.query<{ buildId: string; projectId: string }>(sql`
    -- find_by_access_token: build_specs_access_token_hash_key
    select s.build_id as "buildId", b.project_id as "projectId"
      from build_specs s join builds b on b.id = s.build_id where s.access_token_hash = ${hashOf(token)}`);
  return found;
}

/**
 * The build, when `who` may do that with it. Errors: `notFound` `no_such_build` (also another project's),
 * `forbidden` `missing_scope`, `other_build` (a run token of another build), `not_holder`; `conflict` `stale_term
 * {term, state}` for an attempt that is over.
 */
export async function requireBuild(
  room: Pick<Room, 'auth' | 'db' | 'live'>,
  reader: Reader,
  who: Principal,
  buildId: string,
  need: Need,
): Promise<BuildRow & Partial<BuildNow>> {
  if (holdsScopes(who) && need !== 'holder')
    room.auth.requireScope(who, need === 'read' ? 'builds:read' : 'builds:operate');
  return await required(reader, who, buildId, need, (id) => readRow(room, reader, id));
}

/** As `requireBuild` with `holder`, for calls that need nothing else of the build. */
export const requireHolder = (room: Pick<Room, 'db' | 'live'>, who: Principal, buildId: string): Promise<HeldNow> =>
  required(room.db, who, buildId, 'holder', (id) => room.live.held.do(id));

async function required<R extends Pick<BuildRow, 'id' | 'projectId' | 'term' | 'state' | 'workerId'>>(
  reader: Reader,
  who: Principal,
  buildId: string,
  need: Need,
  read: (id: string) => Promise<R | undefined>,
): Promise<R> {
  if ((who.kind === 'build' || who.kind === 'attempt') && who.buildId !== buildId) throw otherBuild();
  const row = idPattern('build').test(buildId) ? await read(buildId) : undefined;
  if (!row || row.projectId !== who.projectId) throw noSuchBuild();
  switch (who.kind) {
    case 'system':
      return row;
    case 'key':
    case 'person':
    case 'build':
      if (need === 'holder') throw notHolder();
      return row;
    case 'attempt':
      if (need === 'operate') throw notHolder();
      if (row.term !== who.term || row.workerId !== who.workerId) throw staleTerm(row);
      return row;
    case 'worker':
      if (need === 'operate') throw notHolder();
      if (row.workerId === who.workerId) return row;
      throw (await everHeld(reader, row.id, who.workerId)) ? staleTerm(row) : notHolder();
    case 'browser':
    case 'anonymous':
      throw noSuchBuild();
    default:
      return never(who);
  }
}

/** Outside a transaction, calls that come in together read together. */
const readRow = (
  { db, live }: Pick<Room, 'db' | 'live'>,
  reader: Reader,
  buildId: string,
): Promise<(BuildRow & Partial<BuildNow>) | undefined> =>
  reader === db ? live.builds.do(buildId) : readBuildRow(reader, buildId);

export const noSuchBuild = (): Error => notFound('no_such_build', 'There is no such build.');
const otherBuild = (): Error => forbidden('other_build', 'This token belongs to another build.');
const notHolder = (): Error => forbidden('not_holder', 'Only the worker that holds this build may do that.');

/** A write that names an attempt which is over (I4). */
export const staleTerm = (row: { term: number; state: string }): Error =>
  conflict('stale_term', `That attempt is over: the build is ${row.state} in term ${row.term}.`, {
    extra: { term: row.term, state: row.state },
  });

export async function everHeld(reader: Reader, buildId: string, workerId: string): Promise<boolean> {
  const found = await reader.query(sql`
    -- ever_held: build_attempts_pkey (a build has few attempts)
    select 1 from build_attempts where build_id = ${buildId} and worker_id = ${workerId} limit 1`);
  return found.length > 0;
}
