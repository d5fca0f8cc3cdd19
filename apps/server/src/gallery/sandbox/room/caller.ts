import { createHash, timingSafeEqual } from 'node:crypto';
import { defaultProjectId } from '#kernel/auth';
import { MusterError } from '#kernel/base';
import { type AccountRow, accountByAgent, accountByUsername } from '../queries/accounts.ts';
import { Refused } from './answers.ts';
import type { Person, SandboxDeps } from './deps.ts';
import { personAccount } from './person-account.ts';
import type { SandboxRoom } from './room.ts';

/** Whose call of the contract this is. `admin`: may also make and remove accounts of bots. */
export type SandboxPrincipal =
  | { kind: 'service'; projectId: string; admin: boolean }
  | { kind: 'person'; projectId: string; person: Person };

const sameText = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

/** By the service token: a key with `gallery:operate`, or the literal one of the settings. Refuses with 401, or 403 for a key that may not. */
export async function principalOf(
  deps: SandboxDeps,
  authorization: string | undefined,
  address: string | undefined,
): Promise<SandboxPrincipal> {
  const credential = /^bearer[ \t]+(\S+)[ \t]*$/i.exec(authorization ?? '')?.[1];
  if (credential === undefined) throw unauthorized('This call needs a service token.');
  if (deps.serviceToken !== undefined && sameText(credential, deps.serviceToken))
    return { kind: 'service', projectId: defaultProjectId, admin: true };
  try {
    const who = deps.auth.known(credential, address) ?? (await deps.auth.authenticate(credential, address));
    if (who.kind !== 'key') throw unauthorized('This is not a service token.');
    const admin = who.scopes.includes('gallery:admin');
    if (!admin && !who.scopes.includes('gallery:operate'))
      throw new Refused(403, 'FORBIDDEN', 'This token may not act here: it lacks gallery:operate.');
    return { kind: 'service', projectId: who.projectId, admin };
  } catch (error) {
    if (!(error instanceof MusterError) || error.status === 503) throw error;
    if (error.status === 429)
      throw new Refused(429, 'RATE_LIMITED', 'Too many wrong tokens came from this address.', {}, retryAfter(error));
    throw unauthorized('The service token is not valid.');
  }
}

const unauthorized = (message: string): Refused =>
  new Refused(401, 'UNAUTHORIZED', message, {}, { 'www-authenticate': 'Bearer realm="gallery"' });

const retryAfter = ({ retryAfterMs = 1_000 }: MusterError): Record<string, string> => ({
  'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))),
});

/** The account that acts: the bot named by `x-agent-id` (its username) or `x-bot-id` (its id), or the person. */
export async function actingAccount(
  room: SandboxRoom,
  who: SandboxPrincipal,
  headers: Readonly<Record<string, string>>,
  at: Date,
): Promise<AccountRow> {
  const account = await viewingAccount(room, who, headers, at);
  if (!account) throw new Refused(400, 'AGENT_REQUIRED', 'Say who acts: the header x-agent-id names the account.');
  return account;
}

/** As `actingAccount`; a service call that names nobody sees the gallery as such. */
export async function viewingAccount(
  room: SandboxRoom,
  who: SandboxPrincipal,
  headers: Readonly<Record<string, string>>,
  at: Date,
): Promise<AccountRow | undefined> {
  if (who.kind === 'person') return personAccount(room, who.person, at);
  const username = headers['x-agent-id'];
  const agentId = headers['x-bot-id'];
  if (username === undefined && agentId === undefined) return undefined;
  const found = await room.rules.agent(
    who.projectId,
    username === undefined ? `id:${agentId}` : `name:${username}`,
    () =>
      username === undefined
        ? accountByAgent(room.db, who.projectId, agentId ?? '')
        : accountByUsername(room.db, who.projectId, username),
  );
  if (!found?.isAgent || found.removedAt)
    throw new Refused(
      403,
      'AGENT_UNKNOWN',
      `There is no automated account ${JSON.stringify((username ?? agentId ?? '').slice(0, 60))} here.`,
    );
  return found;
}
