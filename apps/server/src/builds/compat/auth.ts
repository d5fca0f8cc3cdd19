import { covers, idPattern, isTerminal, type Scope } from '@muster/protocol';
import { defaultProjectId, type Principal } from '#kernel/auth';
import { MusterError } from '#kernel/base';
import type { RequestHead } from '#kernel/http';
import { findByAccessToken, hashOf } from '../access.ts';
import type { BuildRow } from '../queries/build-row.ts';
import { readBuildRow } from '../queries/build-row.ts';
import type { Room } from '../room.ts';
import { refuse, texts } from './legacy-error.ts';
import { findVm, findWorker, type LegacyWorker, setVmUsed } from './queries.ts';
import { type WorkerByToken, workerByToken } from './tokens.ts';

/* Who calls, by the signs of the old clients: K key, I worker id, B build token, W worker token, V and HB tokens of a
 * virtual machine. All of it is decided before a byte of the body is read. */

export type ByKey = { kind: 'key'; who: Extract<Principal, { kind: 'key' }>; projectId: string };
export type ByBuild = { kind: 'build'; who: Principal; projectId: string };
export type ByWorker = { kind: 'worker'; worker: LegacyWorker; projectId: string; token?: WorkerByToken };
/** A virtual machine, which is its attempt. */
export type ByVm = { kind: 'vm'; buildId: string; term: number; workerId: string; projectId: string };
/** A name without a credential: counts for telemetry, and with open registration. */
export type ByName = { kind: 'name'; name: string };

type Head = Pick<RequestHead, 'headers' | 'query' | 'address' | 'params'>;

/** A header; an empty one is a missing one. */
export function headerOf(head: Head, name: string): string | undefined {
  const value = head.headers[name];
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text === '' ? undefined : text;
}

export function queryOf(head: Head, name: string): string | undefined {
  const value = head.query[name];
  const text = typeof value === 'string' ? value : value?.[0];
  return text === undefined || text === '' ? undefined : text;
}

export const workerNameOf = (head: Head): string | undefined =>
  headerOf(head, 'x-worker-id') ?? queryOf(head, 'worker_id');

/** K. 401 without, 403 when it is wrong or has not the scope. */
export async function byKey(room: Room, head: Head, scope: Scope, missing: string = texts.noKey): Promise<ByKey> {
  const key = headerOf(head, 'x-api-key');
  if (key === undefined) throw refuse(401, missing);
  return keyOf(room, key, head.address, scope);
}

export async function keyOf(room: Room, key: string, address: string, scope: Scope): Promise<ByKey> {
  let who: Principal;
  try {
    who = await room.auth.authenticate(key, address);
  } catch (error) {
    if (error instanceof MusterError && (error.code === 'unauthenticated' || error.code === 'forbidden')) {
      throw refuse(403, texts.wrongKey);
    }
    throw error;
  }
  if (who.kind !== 'key' || !covers(who.scopes, scope)) throw refuse(403, texts.wrongKey);
  return { kind: 'key', who, projectId: who.projectId };
}

/** B or K; a good B counts even beside a wrong K. */
export async function byKeyOrBuild(room: Room, head: Head, scope: Scope): Promise<ByKey | ByBuild> {
  const token = headerOf(head, 'x-build-token');
  if (token !== undefined) {
    const found = /^[A-Za-z0-9_-]{43}$/.test(token) ? await findByAccessToken(room.db, token) : undefined;
    if (found && found.buildId === head.params['id']) {
      return { kind: 'build', who: { kind: 'build', ...found }, projectId: found.projectId };
    }
    if (headerOf(head, 'x-api-key') === undefined) throw refuse(403, texts.wrongBuildToken);
  }
  return byKey(room, head, scope, texts.noKeyOrToken);
}

/** W. 401 when it is not known or over. */
export async function byWorkerToken(room: Room, token: string, poll = false): Promise<ByWorker> {
  const worker = await workerByToken(room, token, poll);
  if (!worker) throw refuse(401, texts.noPollCredential);
  return { kind: 'worker', worker, projectId: worker.projectId, token: worker };
}

/**
 * The old worker of that name. A machine of the new API is none: its builds, and above all their certs, are for its own
 * tokens only, whatever an operator's key and its id together say here.
 */
export async function findOldWorker(room: Room, projectId: string, name: string): Promise<LegacyWorker | undefined> {
  const worker = await findWorker(room.db, projectId, name);
  return worker?.kind === 'legacy' ? worker : undefined;
}

/** K and I together: a name counts only in the project of the key. */
export async function byKeyAndName(room: Room, head: Head): Promise<ByWorker> {
  const key = await byKey(room, head, 'builds:operate');
  const name = workerNameOf(head);
  if (name === undefined) throw refuse(401, texts.noWorkerId);
  const worker = await findOldWorker(room, key.projectId, name);
  if (!worker) throw refuse(403, texts.notHolder);
  return { kind: 'worker', worker, projectId: key.projectId };
}

/** V, W, or K and I. */
export async function byHolder(room: Room, head: Head, vm: VmRule): Promise<ByVm | ByWorker> {
  const vmToken = headerOf(head, 'x-vm-token');
  if (vmToken !== undefined) return byVm(room, head.params['id'] ?? '', vmToken, vm);
  const workerToken = headerOf(head, 'x-worker-token');
  if (workerToken !== undefined) return byWorkerToken(room, workerToken);
  return byKeyAndName(room, head);
}

export type VmRule = {
  /** Also the token that is good for heartbeats only. */
  heartbeat?: boolean;
  /** A minute longer than the attempt holds its lease. */
  late?: boolean;
  /** Also of the attempt that succeeded. */
  succeeded?: boolean;
};

/** V (or HB) of this build's present attempt. 403 `Invalid VM token`, `VM token expired`. */
export async function byVm(room: Room, buildId: string, token: string, rule: VmRule): Promise<ByVm> {
  const found = await findVm(room.db, buildId, hashOf(token));
  if (!found || (!found.whole && !rule.heartbeat)) throw refuse(403, texts.vmInvalid);
  const { term, presentTerm, state, workerId, projectId } = found;
  const alive = state !== 'queued' && !isTerminal(state) && found.fresh;
  const after =
    (rule.late === true && isTerminal(state) && found.endedRecently) ||
    (rule.succeeded === true && state === 'succeeded');
  if (term !== presentTerm || workerId === null || !(alive || after)) throw refuse(403, texts.vmExpired);
  if (found.whole && !found.used) await room.db.transaction((tx) => setVmUsed(tx, buildId, term));
  return { kind: 'vm', buildId, term, workerId, projectId };
}

/** The build when it is there for this caller. 404. */
export async function requireLegacyBuild(
  room: Room,
  projectId: string | undefined,
  buildId: string,
): Promise<BuildRow> {
  const row = idPattern('build').test(buildId) ? await readBuildRow(room.db, buildId) : undefined;
  if (!row || (projectId !== undefined && row.projectId !== projectId)) throw refuse(404, texts.noBuild);
  return row;
}

export type Held = { buildId: string; term: number; workerId: string; projectId: string };

/** The attempt this caller holds, or was the last to hold. 403. Old clients name no term: it is the present one. */
export function requireHeld(row: BuildRow, caller: ByVm | ByWorker, text: string = texts.notHolder): Held {
  const workerId = caller.kind === 'vm' ? caller.workerId : caller.worker.id;
  const term = caller.kind === 'vm' ? caller.term : row.term;
  const mine =
    row.workerId === workerId && row.state !== 'queued' && row.term === term && row.projectId === caller.projectId;
  if (!mine) throw refuse(403, text);
  return { buildId: row.id, term, workerId, projectId: row.projectId };
}

/** Workers without a key belong to the default project. */
export const openProjectId = defaultProjectId;
