import type { Scope } from '@muster/protocol';
import { never, type Service } from '#kernel/base';
import type { Reader, Tx } from '#kernel/db';

/** Whose call this is. `projectId` is always known: everything belongs to one. */
export type Principal =
  | { kind: 'key'; keyId: string; name: string; projectId: string; scopes: readonly Scope[]; fromEnvironment: boolean }
  | { kind: 'worker'; workerId: string; projectId: string }
  | { kind: 'attempt'; buildId: string; term: number; workerId: string; projectId: string }
  | { kind: 'build'; buildId: string; projectId: string }
  | { kind: 'system'; projectId: string };

/** The project of whoever names none. The migration makes it, with the same id in every installation. */
export const defaultProjectId = 'prj_00000000000000000000000000';

/** Acts for the server itself. */
export const systemPrincipal = (projectId: string = defaultProjectId): Principal => ({ kind: 'system', projectId });

/** Text for audit rows and logs: `key:key_…`, `worker:wrk_…`. Never a secret. */
export function nameOf(who: Principal): string {
  switch (who.kind) {
    case 'key':
      return `key:${who.keyId}`;
    case 'worker':
      return `worker:${who.workerId}`;
    case 'attempt':
      return `attempt:${who.buildId}/${who.term}`;
    case 'build':
      return `build:${who.buildId}`;
    case 'system':
      return 'system';
    default:
      return never(who);
  }
}

/** Tokens bound to one run of one thing. Stored as SHA-256, shown once. Prefix tells the kind. */
export const runTokenKinds = ['wkt', 'bld', 'bot', 'agt'] as const;
export type RunTokenKind = (typeof runTokenKinds)[number];

export type NewApiKey = {
  projectId: string;
  name: string;
  scopes: readonly Scope[];
  expiresAt?: Date;
  /** Address ranges (CIDR) the key may be used from. */
  addresses?: readonly string[];
};
export type ApiKeyRow = {
  id: string;
  projectId: string;
  name: string;
  scopes: Scope[];
  addresses: string[];
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
  /** Until when the secret before the last rotation still works. */
  previousUntil: Date | null;
  fromEnvironment: boolean;
};

export type RunTokenClaim = {
  kind: RunTokenKind;
  projectId: string;
  /** What it is bound to: a worker; or an attempt: build, term and the worker that holds it. */
  subject: { workerId?: string; buildId?: string; term?: number };
  expiresAt?: Date;
};

/** A kind of credential another room keeps, such as the access token of one build. */
export type ForeignCredential = {
  /** By shape alone; nothing is looked up for what does not fit. */
  looksLike(credential: string): boolean;
  resolve(credential: string): Promise<Principal | undefined>;
};

export interface Auth extends Service {
  /**
   * Resolves a bearer credential. `unauthenticated` with reason `no_credential`, `malformed_credential`,
   * `wrong_credential`, `expired_credential` or `revoked_credential`; `forbidden` `address_not_allowed`; `exhausted`
   * `too_many_failures` in place of the next failure of an address that failed too often. A bad shape or checksum never
   * reaches the database.
   */
  authenticate(credential: string | undefined, address?: string): Promise<Principal>;
  /** `forbidden` `missing_scope` naming it, unless `who` holds the scope. Run tokens hold no scopes. */
  requireScope(who: Principal, scope: Scope): void;
  createKey(tx: Tx, input: NewApiKey, by: Principal): Promise<{ row: ApiKeyRow; secret: string }>;
  listKeys(
    reader: Reader,
    projectId: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ items: ApiKeyRow[]; nextCursor: string | null }>;
  /** Same id, new secret; the old one works `overlapMs` longer (at most 7 days). */
  rotateKey(
    tx: Tx,
    projectId: string,
    keyId: string,
    overlapMs: number,
    by: Principal,
  ): Promise<{ row: ApiKeyRow; secret: string }>;
  revokeKey(tx: Tx, projectId: string, keyId: string, by: Principal): Promise<ApiKeyRow>;
  /** Mints a run token; only its hash is stored. */
  issueRunToken(tx: Tx, claim: RunTokenClaim): Promise<string>;
  /** Several at once in one statement, in the order of the claims. */
  issueRunTokens(tx: Tx, claims: readonly RunTokenClaim[]): Promise<string[]>;
  /** Ends run tokens of a subject; `afterMs` leaves them valid that much longer. */
  endRunTokens(tx: Tx, subject: RunTokenClaim['subject'], afterMs?: number): Promise<void>;
  /** Ends the tokens of many attempts in one statement. */
  endRunTokensOf(tx: Tx, attempts: readonly { buildId: string; term: number }[], afterMs?: number): Promise<void>;
  /** Before `start`: how to know credentials that are not keys or run tokens. Not cached here. */
  recognise(foreign: ForeignCredential): void;
}
