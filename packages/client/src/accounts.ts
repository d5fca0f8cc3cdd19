import type {
  AuditEntry,
  Invite,
  Me,
  NewSecondFactor,
  Page,
  Person,
  Project,
  Role,
  SignIn,
  View,
} from '@muster/protocol';
import type { Connection } from './base/connection.ts';

type Paged = { limit?: number; cursor?: string };
export type AuditFilter = Paged & {
  of?: 'project' | 'installation';
  action?: string;
  subject?: string;
  actor?: string;
  outcome?: 'done' | 'refused';
  since?: string;
  until?: string;
};
/** A bound of the server with its present use; `present` null: not counted all the time. */
export type Limit = {
  name: string;
  unit: 'count' | 'bytes' | 'ms' | 'perSecond';
  value: number;
  setting?: string;
  whenFull: string;
  present: number | null;
  peak: number | null;
};

/** People, their projects and what they did. Most of it wants somebody who signed in, not a key. */
export class Accounts {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  me(signal?: AbortSignal): Promise<Me> {
    return this.#connection.call('GET', '/v1/me', { signal });
  }

  /** Members of the project. */
  people(query: Paged = {}, signal?: AbortSignal): Promise<Page<Person>> {
    return this.#connection.call('GET', '/v1/people', { query, signal });
  }

  changeRole(projectId: string, personId: string, role: Role): Promise<Person> {
    return this.#connection.call('PATCH', member(projectId, personId), { json: { role } });
  }

  removeMember(projectId: string, personId: string): Promise<void> {
    return this.#connection.call('DELETE', member(projectId, personId));
  }

  changeInstallationAdmin(personId: string, installationAdmin: boolean): Promise<Person> {
    return this.#connection.call('PATCH', person(personId), { json: { installationAdmin } });
  }

  /** They have to sign in again everywhere. */
  endSignInsOf(personId: string): Promise<void> {
    return this.#connection.call('POST', `${person(personId)}/end-sign-ins`);
  }

  /** A link, shown this once, by which they choose a new password. */
  resetLink(personId: string, removeSecondFactor = false): Promise<{ url: string; expiresAt: string }> {
    return this.#connection.call('POST', `${person(personId)}/reset-link`, { json: { removeSecondFactor } });
  }

  invites(query: Paged = {}, signal?: AbortSignal): Promise<Page<Invite>> {
    return this.#connection.call('GET', '/v1/invites', { query, signal });
  }

  /** `url` is the link, shown this once. */
  invite(input: { role: Role; note?: string }): Promise<Invite & { url: string }> {
    return this.#connection.call('POST', '/v1/invites', { json: input });
  }

  revokeInvite(id: string): Promise<Invite> {
    return this.#connection.call('POST', `/v1/invites/${encodeURIComponent(id)}/revoke`);
  }

  projects(query: Paged = {}, signal?: AbortSignal): Promise<Page<Project>> {
    return this.#connection.call('GET', '/v1/projects', { query, signal });
  }

  createProject(name: string): Promise<Project> {
    return this.#connection.call('POST', '/v1/projects', { json: { name } });
  }

  changeProject(id: string, change: { name?: string; archived?: boolean }): Promise<Project> {
    return this.#connection.call('PATCH', `/v1/projects/${encodeURIComponent(id)}`, { json: change });
  }

  /** Where you are signed in. */
  signIns(signal?: AbortSignal): Promise<{ items: SignIn[] }> {
    return this.#connection.call('GET', '/v1/sign-ins', { signal });
  }

  endSignIn(id: string): Promise<void> {
    return this.#connection.call('DELETE', `/v1/sign-ins/${encodeURIComponent(id)}`);
  }

  /** All but this one. */
  endOtherSignIns(): Promise<{ ended: number }> {
    return this.#connection.call('DELETE', '/v1/sign-ins');
  }

  /** Some acts want your password to have been given in the last ten minutes. */
  confirmPassword(password: string): Promise<void> {
    return this.#connection.call('POST', '/v1/sign-ins/confirm', { json: { password } });
  }

  /** Ends your other sign-ins. */
  changePassword(currentPassword: string, newPassword: string): Promise<void> {
    return this.#connection.call('POST', '/v1/me/password', { json: { currentPassword, newPassword } });
  }

  /** Nothing changes before `confirmSecondFactor` has had a code of it. */
  newSecondFactor(): Promise<NewSecondFactor> {
    return this.#connection.call('POST', '/v1/me/second-factor', { json: {} });
  }

  confirmSecondFactor(code: string): Promise<{ recoveryCodes: string[] }> {
    return this.#connection.call('POST', '/v1/me/second-factor/confirm', { json: { code } });
  }

  /** New ones; those from before no longer work. */
  newRecoveryCodes(): Promise<{ recoveryCodes: string[] }> {
    return this.#connection.call('POST', '/v1/me/second-factor/recovery-codes', { json: {} });
  }

  removeSecondFactor(): Promise<void> {
    return this.#connection.call('DELETE', '/v1/me/second-factor');
  }

  audit(query: AuditFilter = {}, signal?: AbortSignal): Promise<Page<AuditEntry>> {
    return this.#connection.call('GET', '/v1/audit', { query, signal });
  }

  /** Everything that fits the filter, newest first, one JSON object per line; at most 100,000. */
  async exportAudit(query: Omit<AuditFilter, keyof Paged> = {}, signal?: AbortSignal): Promise<Blob> {
    const headers = { accept: 'application/x-ndjson' };
    return await (await this.#connection.send('GET', '/v1/audit', { query, headers, signal })).blob();
  }

  limits(signal?: AbortSignal): Promise<{ items: Limit[] }> {
    return this.#connection.call('GET', '/v1/limits', { signal });
  }

  views(signal?: AbortSignal): Promise<{ items: View[] }> {
    return this.#connection.call('GET', '/v1/views', { signal });
  }
}

const person = (id: string): string => `/v1/people/${encodeURIComponent(id)}`;
const member = (projectId: string, personId: string): string =>
  `/v1/projects/${encodeURIComponent(projectId)}/members/${encodeURIComponent(personId)}`;
