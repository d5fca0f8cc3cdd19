import { isTerminal } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { MusterError } from '#kernel/base';
import { answer, type Call, type RequestHead } from '#kernel/http';
import { hashOf } from '../access.ts';
import { openCertsBundle, readCerts } from '../read-certs.ts';
import { asked } from '../receive-submit.ts';
import type { Emission, Room } from '../room.ts';
import {
  type ByVm,
  type ByWorker,
  byHolder,
  byKeyAndName,
  byVm,
  type Held,
  headerOf,
  requireHeld,
  requireLegacyBuild,
} from './auth.ts';
import { readBody, textOf } from './body.ts';
import { because, refuse, texts } from './legacy-error.ts';
import { type Declare, open } from './legacy-routes.ts';
import { readVmStatus, setVmReady, setVmToken, tryOtp } from './queries.ts';
import { sendSource } from './read-routes.ts';
import { signOfLife } from './signs.ts';
import { newToken } from './tokens.ts';

const triesPerMinute = 5;
const vmLife = { beyondRunMs: 30 * 60_000, leastMs: 2 * 60 * 60_000 };

/** What a virtual machine does on its way to a build: exchange its password, fetch source and certs, say it is ready. */
export function vmRoutes(room: Room, declare: Declare): void {
  declare('POST', '/api/builds/:id/authenticate', open, async (call) => exchangeOtp(room, call));
  declare(
    'POST',
    '/api/builds/:id/vm-ready',
    (head) => vmOf(room, head),
    async (call) => {
      const held = await requireActive(room, call, call.who);
      const { token, hash } = newToken();
      const sealed = room.secrets.seal(Buffer.from(token));
      await sign(room, held, 'heartbeat');
      const { readyAt } = await room.db.transaction(async (tx) => {
        const ready = await setVmReady(tx, { id: held.buildId, term: held.term }, { hash, sealed });
        if (ready.first) await room.emit(tx, [line(held, 'VM signaled ready')]);
        return ready;
      });
      return { success: true, vm_ready_at: readyAt.toISOString() };
    },
  );
  declare('GET', '/api/builds/:id/vm-status', open, async (call) => {
    const status = await readVmStatus(room.db, call.params['id'] ?? '');
    const stopped = status?.state === 'cancelling' || status?.state === 'cancelled';
    if (!status || stopped) throw refuse(404, texts.noBuild);
    if (!status.readyAt || !status.sealed) return { vm_ready: false };
    // This is asked for without any credential, so what it gives away is good for heartbeats and nothing else.
    return {
      vm_ready: true,
      vm_token: room.secrets.open(status.sealed).toString(),
      vm_ready_at: status.readyAt.toISOString(),
    };
  });
  declare(
    'GET',
    '/api/builds/:id/source',
    (head) => byHolder(room, head, {}),
    async (call) => {
      const held = await requireActive(room, call, call.who);
      await sign(room, held, 'files');
      const row = await requireLegacyBuild(room, held.projectId, held.buildId);
      return sendSource(room, call, row, { contentType: 'application/zip', missing: 'Source file not found' });
    },
  );
  declare(
    'GET',
    '/api/builds/:id/certs',
    (head) => byHolder(room, head, {}),
    async (call) => {
      const held = await requireActive(room, call, call.who);
      await sign(room, held, 'files');
      const zip = await certsOr404(() => openCertsBundle(room, attemptOf(held), held.buildId, asked(call)));
      return answer(200, zip, {
        'content-type': 'application/zip',
        'content-disposition': `attachment; filename="${held.buildId}-certs.zip"`,
        'content-length': String(zip.length),
        'cache-control': 'no-store',
      });
    },
  );
  declare(
    'GET',
    '/api/builds/:id/certs-secure',
    (head) => certsCaller(room, head),
    async (call) => {
      const held = await requireActive(room, call, call.who);
      await sign(room, held, 'files');
      const certs = await certsOr404(() => readCerts(room, attemptOf(held), held.buildId, asked(call)));
      // The scripts decode it with `base64 -d`, which does not know the URL alphabet.
      const keychainPassword = Buffer.from(certs.keychainPassword, 'base64url').toString('base64');
      return answer(200, { ...certs, keychainPassword }, { 'cache-control': 'no-store' });
    },
  );
}

async function exchangeOtp(room: Room, call: Call<undefined>): Promise<Record<string, unknown>> {
  const otp = textOf(await readBody(call), 'otp');
  if (otp === undefined) throw refuse(400, 'Missing required parameter: otp');
  const row = await requireLegacyBuild(room, undefined, call.params['id'] ?? '');
  const tried = await room.db.transaction((tx) => tryOtp(tx, row, hashOf(otp)));
  if (!tried?.set || row.state === 'queued') throw refuse(401, 'No OTP configured for this build');
  if (tried.tries > triesPerMinute) throw refuse(429, 'Too many attempts. Try again in a minute.');
  if (!tried.matches || (tried.used && !tried.again)) throw refuse(401, 'Invalid OTP');
  if (tried.expired || isTerminal(row.state)) throw refuse(401, 'OTP expired');
  const held = requireHeldRow(row);
  await sign(room, held, 'other');
  const { token, hash } = newToken();
  const lifeMs = Math.max(row.maxRunMs + vmLife.beyondRunMs, vmLife.leastMs);
  const until = await room.db.transaction(async (tx) => {
    await room.emit(tx, [line(held, 'VM authenticated with OTP')]);
    return setVmToken(tx, row, hash, lifeMs);
  });
  return { vm_token: token, expires_at: until.toISOString() };
}

type Row = Awaited<ReturnType<typeof requireLegacyBuild>>;

function requireHeldRow(row: Row): Held {
  if (row.workerId === null) throw refuse(401, 'No OTP configured for this build');
  return { buildId: row.id, term: row.term, workerId: row.workerId, projectId: row.projectId };
}

/** The caller's attempt while it runs. 404, 403, and 409 for one that is to stop or over. */
async function requireActive(room: Room, call: Call, who: ByVm | ByWorker): Promise<Held> {
  const row = await requireLegacyBuild(room, who.projectId, call.params['id'] ?? '');
  const held = requireHeld(row, who);
  if (row.state === 'cancelling' || row.state === 'cancelled') throw refuse(409, texts.cancelled);
  if (isTerminal(row.state)) throw refuse(403, texts.notHolder);
  return held;
}

/** Every sign of a build that was stopped meanwhile is answered 409, so that its sender stops too. */
async function sign(room: Room, held: Held, kind: 'heartbeat' | 'files' | 'other'): Promise<void> {
  const { state } = await signOfLife(room, held, kind);
  if (state === 'cancelling') throw refuse(409, texts.cancelled);
}

const vmOf = async (room: Room, head: RequestHead): Promise<ByVm> => {
  const token = headerOf(head, 'x-vm-token');
  if (token === undefined) throw refuse(401, 'Missing X-VM-Token header (unauthorized)');
  return byVm(room, head.params['id'] ?? '', token, {});
};

/** V; or K and I with the build named a second time, so that one script's variables cannot be mixed up. */
async function certsCaller(room: Room, head: RequestHead): Promise<ByVm | ByWorker> {
  if (headerOf(head, 'x-vm-token') !== undefined) return vmOf(room, head);
  const caller = await byKeyAndName(room, head);
  checkBuildHeader(head);
  return caller;
}

export function checkBuildHeader(head: RequestHead): void {
  const named = headerOf(head, 'x-build-id');
  if (named === undefined) throw refuse(401, texts.noBuildId);
  if (named !== head.params['id']) throw refuse(403, texts.otherBuildId);
}

async function certsOr404<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (because(error, 'no_certs', 'certs_gone')) throw refuse(404, 'Certs not found');
    const tooLarge =
      error instanceof MusterError && error.errors.some(({ detail }) => detail.startsWith('unpacked it is larger'));
    if (tooLarge) throw refuse(413, 'Certs bundle too large');
    if (because(error, 'certs_invalid')) throw refuse(400, 'Failed to process certs file');
    throw error;
  }
}

export const attemptOf = ({ buildId, term, workerId, projectId }: Held): Principal => ({
  kind: 'attempt',
  buildId,
  term,
  workerId,
  projectId,
});

export const line = ({ projectId, buildId, term }: Held, text: string): Emission => ({
  projectId,
  type: 'line_only',
  buildId,
  term,
  line: { level: 'info', text },
});
