import type { Role, Scope } from '@muster/protocol';
import { type MusterError, never, type Service } from '#kernel/base';
import type { Reader, Tx } from '#kernel/db';
import type { KeyCount, KeyUse, KeyUseRow } from './key-use-queries.ts';

/** Whose call this is. `projectId` is always known: everything belongs to one. */
export type Principal =
  | { kind: 'key'; keyId: string; name: string; projectId: string; scopes: readonly Scope[]; fromEnvironment: boolean }
  | { kind: 'worker'; workerId: string; projectId: string }
  | { kind: 'attempt'; buildId: string; term: number; workerId: string; projectId: string }
  | { kind: 'build'; buildId: string; projectId: string }
  | BrowserPrincipal
  | PersonPrincipal
  /** Somebody without a credential, in the project they named: sees what is public. Never comes out of `authenticate`. */
  | { kind: 'anonymous'; projectId: string }
  | { kind: 'system'; projectId: string };

export const browserOperations = ['read', 'append'] as const;
export type BrowserOperation = (typeof browserOperations)[number];

/** A page of a project's own site: a signed token, narrow and short-lived, that ends with the key that made it. */
export type BrowserPrincipal = {
  kind: 'browser';
  tokenId: string;
  /** The key that made it. */
  keyId: string;
  projectId: string;
  /** The end user it was made for; all tokens of one can be revoked together. */
  subject: string | null;
  /** What the maker holds now: a token is never wider than its maker. */
  scopes: readonly Scope[];
  /** Patterns of stream paths: `*` one segment, `**` any number. */
  paths: readonly string[];
  operations: readonly BrowserOperation[];
  /** Producer ids it appends with begin so. */
  producerPrefix: string | null;
  renewable: boolean;
  /** When the first of its line was made; renewals end a day later. Milliseconds since 1970, as `expiresAt`. */
  bornAt: number;
  expiresAt: number;
  /** Revocations it knows of, of its end user's tokens and of its key's: a later one ends it. */
  epoch: number;
  keyEpoch: number;
};

/** Somebody who signed in, in one of their projects. Comes from a cookie, never out of `authenticate`. */
export type PersonPrincipal = {
  kind: 'person';
  personId: string;
  name: string;
  email: string;
  projectId: string;
  role: Role;
  /** What the role holds. */
  scopes: readonly Scope[];
  /** May make projects and look after the installation. */
  installationAdmin: boolean;
  signInId: string;
  /** When the password was last given in this sign-in; milliseconds since 1970. */
  confirmedAt: number;
};

/** The project of whoever names none. The migration makes it, with the same id in every installation. */
export const defaultProjectId = 'prj_00000000000000000000000000';

/** Keys and people hold scopes, so what they may do is for the operation to ask; tokens are bound to one thing instead. */
export const holdsScopes = (who: Principal): who is Extract<Principal, { kind: 'key' | 'person' }> =>
  who.kind === 'key' || who.kind === 'person';

/** Acts for the server itself. */
export const systemPrincipal = (projectId: string = defaultProjectId): Principal => ({ kind: 'system', projectId });

/** Text for audit rows and logs: `key:key_…`, `person:usr_…`. Never a secret. */
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
    case 'browser':
      return `browser:${who.tokenId}`;
    case 'person':
      return `person:${who.personId}`;
    case 'anonymous':
      return 'anonymous';
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
  /** Its first characters, by which people know it; null: given by a variable. */
  start: string | null;
  scopes: Scope[];
  addresses: string[];
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  lastUsedFrom: string | null;
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

export type NewBrowserToken = Pick<
  BrowserPrincipal,
  'keyId' | 'projectId' | 'subject' | 'paths' | 'operations' | 'producerPrefix' | 'renewable'
> & {
  ttlMs: number;
  /** Of the token this one renews. */
  bornAt?: number;
};

/** Public keys as RFC 7517 writes them. */
export type KeySet = { keys: readonly Readonly<Record<string, string>>[] };

/** What may have changed about people: somebody's roles or sign-ins, or a project they are in. */
export type PeopleChange = { person: string } | { project: string };

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
  /**
   * The answer of `authenticate` for a credential seen in the last minute, at once; `undefined`: ask `authenticate`, which
   * also says what is wrong.
   */
  known(credential: string, address?: string): Principal | undefined;
  /**
   * For whoever serves one call for long: `ended` is called, once, soon after the key, the token or the sign-in behind `who` was
   * ended on any node, or expired. The end of a browser token itself is known beforehand and not told here; run tokens end with
   * what they are bound to. A person whose rights changed comes to `changed` as they are now, each time; without it that is an end too.
   */
  heed(who: Principal, ended: (why: MusterError) => void, changed?: (now: PersonPrincipal) => void): Disposable;
  /** Before `start`: who somebody is now, by the rows; rejects with what ended their right. Until then people stay who they were. */
  seePeople(again: (who: PersonPrincipal) => Promise<PersonPrincipal>): void;
  /** Who somebody is now. Errors: `unauthenticated` `sign_in_ended`; `notFound` `no_such_project`. */
  personAgain(who: PersonPrincipal): Promise<PersonPrincipal>;
  /** After the commit, on every node: long calls of these people are looked at again. */
  peopleChanged(tx: Tx, what: PeopleChange): void;
  /** `forbidden` `missing_scope` naming it, unless `who` holds the scope. Run tokens hold no scopes. */
  requireScope(who: Principal, scope: Scope): void;
  /**
   * Keeps that a call was refused for a reason that is not a credential's: at most one row a second per reason. The answer never waits
   * for it. What `authenticate` and `requireScope` refuse they keep themselves.
   */
  noteRefusal(error: MusterError, call: { who: unknown; what: string; address: string; requestId: string }): void;
  createKey(tx: Tx, input: NewApiKey, by: Principal): Promise<{ row: ApiKeyRow; secret: string }>;
  listKeys(
    reader: Reader,
    projectId: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ items: ApiKeyRow[]; nextCursor: string | null }>;
  /** Counts a call that was answered; `tell` is asked for a few of them only. For those who are no key nothing happens. */
  noteUse(who: unknown, status: number, tell: () => KeyUse): void;
  /** What these keys did in the last 24 hours; those that did nothing are not there. */
  countUses(reader: Reader, keyIds: readonly string[]): Promise<KeyCount[]>;
  /** The last calls of a key that were kept, newest first. Errors: `notFound` `not_found`; `invalid` `bad_cursor`. */
  listUses(
    reader: Reader,
    projectId: string,
    keyId: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ items: KeyUseRow[]; nextCursor: string | null }>;
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
  /** A signed token for a browser. What it may is the caller's to check. `invalid` `token_too_long`. */
  issueBrowserToken(input: NewBrowserToken): Promise<{ token: string; tokenId: string; expiresAt: number }>;
  /** Ends every browser token of an end user, or of a key, that exists now. */
  revokeBrowserTokens(tx: Tx, projectId: string, of: { subject: string } | { keyId: string }): Promise<void>;
  /** What browser tokens are signed with, the previous secret's included. */
  browserKeys(): KeySet;
  /** Before `start`: how to know credentials that are not keys or run tokens. Not cached here. */
  recognise(foreign: ForeignCredential): void;
}
