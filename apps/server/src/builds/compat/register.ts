import { platforms as allPlatforms, buildLimits, type Platform } from '@muster/protocol';
import { type Principal, systemPrincipal, writeAudit } from '#kernel/auth';
import { newId } from '#kernel/base';
import { type Reader, sql, type Tx } from '#kernel/db';
import type { RequestHead } from '#kernel/http';
import { countWorkers, insertWorker, readWorker, touchWorkers } from '../queries/workers.ts';
import { workersMax } from '../register-worker.ts';
import { releaseAttempts } from '../release-attempt.ts';
import type { Room } from '../room.ts';
import { type ByKey, byKey, headerOf, openProjectId } from './auth.ts';
import { type LegacyBody, numberOf, objectOf, readBody, textOf } from './body.ts';
import { refuse } from './legacy-error.ts';
import type { Declare } from './legacy-routes.ts';
import { findWorker } from './queries.ts';
import { newWorkerToken } from './tokens.ts';

type Registering = { who: Principal; projectId: string };
type Registration = { id: string; known: boolean; token: string };

/** POST /api/workers/register: new, or known by the id it brings. A token is minted each time, never shown twice. */
export function registerRoutes(room: Room, declare: Declare): void {
  declare(
    'POST',
    '/api/workers/register',
    (head) => registering(room, head),
    async (call) => {
      const input = inputOf(await readBody(call));
      const { id, known, token } = await register(room, call.who, input);
      return {
        id,
        status: known ? 're-registered' : 'registered',
        message: known ? 'Worker re-registered successfully' : 'Worker registered successfully',
        baseImageId: room.config.baseImage,
        access_token: token,
      };
    },
  );
}

/** K; without one only when open registration is on, and then in the default project. */
async function registering(room: Room, head: RequestHead): Promise<Registering> {
  if (room.config.legacyOpenRegistration && headerOf(head, 'x-api-key') === undefined) {
    return { who: systemPrincipal(openProjectId), projectId: openProjectId };
  }
  const key: ByKey = await byKey(room, head, 'builds:operate');
  return { who: key.who, projectId: key.projectId };
}

type Input = { name: string; capabilities: unknown; platforms: Platform[]; id: string | undefined; idle: boolean };

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

function inputOf(body: LegacyBody): Input {
  const name = textOf(body, 'name');
  const capabilities = body['capabilities'];
  if (name === undefined || capabilities === undefined || capabilities === null)
    throw refuse(400, 'Name and capabilities required');
  if (Buffer.byteLength(JSON.stringify(capabilities)) > buildLimits.capabilitiesBytesMax)
    throw refuse(413, 'Capabilities too large');
  const id = textOf(body, 'id');
  if (id !== undefined && !idPattern.test(id)) throw refuse(400, 'Invalid worker id');
  const idle = numberOf(body, 'active_build_count') === 0;
  return { name: name.slice(0, buildLimits.nameCharsMax), capabilities, platforms: platformsOf(body), id, idle };
}

/** What it says it can build; a worker that says nothing may take what old controllers handed out. */
function platformsOf(body: LegacyBody): Platform[] {
  const said = objectOf(body, 'capabilities')?.['platforms'];
  if (!Array.isArray(said)) return ['android', 'ios'];
  return allPlatforms.filter((platform) => platform !== 'any' && said.includes(platform)).sort();
}

async function register(room: Room, { who, projectId }: Registering, input: Input): Promise<Registration> {
  return room.db.transaction(
    async (tx) => {
      const found = input.id === undefined ? undefined : await findWorker(tx, projectId, input.id);
      if (found) {
        // A machine of the new API keeps its own credentials: an old client may not take its name over.
        if (found.kind !== 'legacy') throw refuse(403, 'Worker not authorized for this id');
        await again(room, tx, projectId, found.id, input);
        return { id: found.alias ?? found.id, known: true, token: await newWorkerToken(tx, found.id, 0) };
      }
      if (input.id !== undefined && (await isTaken(tx, input.id)))
        throw refuse(403, 'Worker not authorized for this id');
      const id = await insert(room, tx, who, projectId, input);
      return { id: input.id ?? id, known: false, token: await newWorkerToken(tx, id, 0) };
    },
    { retries: 3 },
  );
}

/** It keeps its name, its new abilities count. With nothing running, a build the rows give it is lost to it. */
async function again(room: Room, tx: Tx, projectId: string, id: string, input: Input): Promise<void> {
  const worker = await readWorker(tx, projectId, id);
  if (worker && input.idle) await releaseAttempts(room, tx, worker.held, { kind: 'workerLost' });
  await tx.query(sql`
    -- change_legacy_worker: workers_pkey
    update workers set capabilities = ${JSON.stringify(input.capabilities)}::jsonb, platforms = ${input.platforms}::text[]
    where id = ${id}`);
  const back = await touchWorkers(tx, [id]);
  await room.emit(
    tx,
    back.map(() => ({ projectId, type: 'online', workerId: id })),
  );
}

async function insert(room: Room, tx: Tx, who: Principal, projectId: string, input: Input): Promise<string> {
  if ((await countWorkers(tx, projectId)) >= workersMax) throw refuse(429, 'Too many workers');
  const id = newId('worker');
  await insertWorker(tx, {
    id,
    projectId,
    kind: 'legacy',
    alias: input.id ?? null,
    name: input.name,
    platforms: input.platforms,
    labels: {},
    seats: 1,
    version: '',
    capabilities: input.capabilities,
    offlineAfterMs: room.config.legacyOfflineAfterMs,
  });
  await room.emit(tx, [{ projectId, type: 'registered', workerId: id, data: { name: input.name } }]);
  await writeAudit(tx, {
    who,
    action: 'builds.register_worker',
    subject: id,
    after: { name: input.name, platforms: input.platforms },
  });
  return id;
}

/** One of our ids, of another project or of a worker that was removed: nobody may choose it as a name. */
async function isTaken(reader: Reader, id: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- worker_id_taken: workers_pkey
    select 1 from workers where id = ${id}`);
  return rows.length > 0;
}
