import { scopes as allScopes, covers, idPattern, type Scope } from '@muster/protocol';
import {
  AddressSet,
  asError,
  type Clock,
  conflict,
  exhausted,
  forbidden,
  internal,
  invalid,
  type Limits,
  type MusterError,
  must,
  newId,
  notFound,
  unauthenticated,
} from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db, Reader, Tx } from '#kernel/db';
import type { CounterMetric, Logger, Metrics } from '#kernel/telemetry';
import { type AuditEntry, keepAuditPartitions, writeAudit } from './audit.ts';
import {
  type ApiKeyRow,
  type Auth,
  defaultProjectId,
  type ForeignCredential,
  holdsScopes,
  type KeySet,
  type NewApiKey,
  type NewBrowserToken,
  type PeopleChange,
  type PersonPrincipal,
  type Principal,
  type RunTokenClaim,
  systemPrincipal,
} from './auth.ts';
import { BrowserTokens, looksLikeToken } from './browser-tokens.ts';
import { checkNewKey } from './check-new-key.ts';
import { type Changed, CredentialCache, endUserOf, type Known } from './credential-cache.ts';
import {
  hashName,
  hashOf,
  mintKey,
  mintRunToken,
  mintShortId,
  type Parsed,
  parseCredential,
  sameHash,
} from './credentials.ts';
import { Failures } from './failures.ts';
import { leaveFirstKey } from './first-key.ts';
import { Heeded } from './heeded.ts';
import { countKeyUses, type KeyUse, listKeyUses, sweepKeyUses } from './key-use-queries.ts';
import { KeyUses } from './key-uses.ts';
import { authLimits } from './limits.ts';
import * as queries from './queries.ts';
import { RateBuckets } from './rates.ts';
import { principalOf } from './run-token-principal.ts';

export type EnvironmentKey = { name: string; secret: string; scopes: readonly Scope[] };

export type AuthOptions = {
  db: Db;
  bus: Bus;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  environmentKeys: readonly EnvironmentKey[];
  /** What browser tokens are signed with: 32 bytes each, the present one first. None: no such tokens (tests). */
  browserTokenSeeds?: readonly Uint8Array[];
  /** Where the first admin key is left when there is none. Not given: none is made (tests). */
  firstKey?: { dataDir: string; made: (secret: string, path: string) => void };
  failuresPerMinuteMax: number;
  /** Where the bounds of this room are listed. */
  bounds?: Limits;
  auditKeepDays: number;
};

const reasons = [
  'no_credential',
  'malformed_credential',
  'wrong_credential',
  'expired_credential',
  'revoked_credential',
  'address_not_allowed',
  'missing_scope',
  'too_many_failures',
] as const;
type Reason = (typeof reasons)[number];
type Fresh = Omit<Known, 'untilMs'> & { endsInMs: number | null };
const changedTopic = 'auth.changed';

/*
 * new     - resolves credentials already; keys of the environment are not known yet
 * running - environment keys have rows, changes are heard over the bus, use is written every 10 s
 * stopped - the last uses are written; reached once
 */
export class Keyring implements Auth {
  readonly #options: AuthOptions;
  readonly #cache: CredentialCache;
  readonly #failures: Failures;
  readonly #refusals: RateBuckets;
  readonly #failed: CounterMetric<{ reason: typeof reasons }>;
  readonly #environment = new Map<string, Known>();
  readonly #browserTokens: BrowserTokens;
  readonly #heeded: Heeded;
  readonly #foreign: ForeignCredential[] = [];
  #again: (who: PersonPrincipal) => Promise<PersonPrincipal> = (who) => Promise.resolve(who);
  readonly #reading = new Map<string, Promise<Known>>();
  readonly #uses = new KeyUses();
  #heard: Disposable | undefined;
  #touching: Disposable | undefined;
  #keeping: Disposable | undefined;
  #phase: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: AuthOptions) {
    const { clock, metrics } = options;
    this.#options = options;
    this.#cache = new CredentialCache(clock);
    this.#browserTokens = new BrowserTokens({ db: options.db, clock, seeds: options.browserTokenSeeds ?? [] });
    this.#heeded = new Heeded({ ...options, again: (who) => this.#whoIsNow(who) });
    this.#declareBounds();
    this.#failures = new Failures(clock, options.failuresPerMinuteMax);
    this.#refusals = new RateBuckets({ clock, perSecond: authLimits.refusedAuditPerSecond, burst: 1, keysMax: 100 });
    this.#failed = metrics.counter({
      name: 'muster_auth_failures_total',
      help: 'Calls refused for their credential, by reason.',
      labels: { reason: reasons },
    });
  }

  #declareBounds(): void {
    const { bounds, failuresPerMinuteMax } = this.#options;
    bounds?.add({
      name: 'auth.failuresPerMinute',
      unit: 'count',
      value: failuresPerMinuteMax,
      setting: 'MUSTER_AUTH_FAILURES_PER_MINUTE_MAX',
      whenFull: 'Further wrong credentials of that address get 429 too_many_failures; right ones still work.',
    });
    bounds?.add({
      name: 'auth.knownCredentials',
      unit: 'count',
      value: authLimits.cacheEntriesMax,
      whenFull: 'The one known longest is looked up again at its next call.',
      used: () => this.#cache.size,
    });
    bounds?.add({
      name: 'auth.browserTokenBytes',
      unit: 'bytes',
      value: authLimits.browserTokenBytesMax,
      whenFull: 'The token is not made: 400 token_too_long.',
    });
  }

  async start(): Promise<void> {
    if (this.#phase !== 'new') return;
    const { db, bus } = this.#options;
    this.#heard = bus.subscribe(
      changedTopic,
      (payload) => this.#changed(JSON.parse(payload) as Changed),
      () => this.#changed(undefined),
    ); // oxlint-disable-line typescript/no-unsafe-type-assertion -- only #tell publishes here
    await db.transaction((tx) => this.#storeEnvironmentKeys(tx));
    if (this.#options.firstKey) await db.transaction((tx) => this.#ensureFirstKey(tx));
    await this.#keepHouse();
    this.#phase = 'running';
    this.#touchLater();
    this.#keepLater();
    this.#heeded.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    this.#touching?.[Symbol.dispose]();
    this.#keeping?.[Symbol.dispose]();
    this.#heard?.[Symbol.dispose]();
    this.#heeded[Symbol.dispose]();
    await this.#touch();
  }

  recognise(foreign: ForeignCredential): void {
    this.#foreign.push(foreign);
  }

  async authenticate(credential: string | undefined, address?: string): Promise<Principal> {
    if (credential === undefined) {
      this.#failed.add({ reason: 'no_credential' });
      throw unauthenticated('no_credential', 'This call needs a credential: Authorization: Bearer <API key or token>.');
    }
    try {
      const known = await this.#resolve(credential);
      if (!mayCome(known, address)) {
        throw this.#refused(
          'address_not_allowed',
          forbidden('address_not_allowed', `This key may not be used from ${address ?? 'an unknown address'}.`),
          known.principal,
          address,
        );
      }
      return this.#use(known);
    } catch (error) {
      throw this.#countFailure(error, address);
    }
  }

  known(credential: string, address?: string): Principal | undefined {
    const known = this.#remembered(hashName(credential));
    return known && mayCome(known, address) ? this.#use(known) : undefined;
  }

  #use({ principal }: Known): Principal {
    if (principal.kind === 'key') this.#uses.touched(principal.keyId);
    return principal;
  }

  /** By the hash of its text, so that no memory image holds credentials. */
  #remembered(name: string): Known | undefined {
    return this.#environment.get(name) ?? this.#cache.get(name);
  }

  async #resolve(credential: string): Promise<Known> {
    const name = hashName(credential);
    const known = this.#remembered(name);
    if (known) return known;
    const parsed = looksLikeToken(credential) ? 'browser' : parseCredential(credential);
    if (!parsed) return { principal: await this.#resolveForeign(credential), from: undefined, untilMs: 0 };
    // A crowd with one credential asks the rows once.
    const reading =
      this.#reading.get(name) ?? this.#read(parsed, credential, name).finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    return reading;
  }

  async #resolveForeign(credential: string): Promise<Principal> {
    const fitting = this.#foreign.filter((foreign) => foreign.looksLike(credential));
    for (const foreign of fitting) {
      const principal = await foreign.resolve(credential);
      if (principal) return principal;
    }
    if (fitting.length > 0) throw unauthenticated('wrong_credential', 'This credential is not known.');
    throw unauthenticated(
      'malformed_credential',
      'This is not a credential of Muster: its form or its checksum is wrong.',
    );
  }

  async #read(parsed: Parsed | 'browser', credential: string, name: string): Promise<Known> {
    const { generation } = this.#cache;
    const found = await this.#readRow(parsed, credential);
    this.#cache.put(name, found, found.endsInMs, generation);
    return { ...found, untilMs: 0 };
  }

  async #readRow(parsed: Parsed | 'browser', credential: string): Promise<Fresh> {
    if (parsed === 'browser') return { ...(await this.#browserTokens.read(credential)), from: undefined };
    const hash = hashOf(credential);
    return parsed.kind === 'key' ? this.#readKey(parsed.shortId, hash) : this.#readRunToken(hash);
  }

  async #readKey(shortId: string, hash: Buffer): Promise<Fresh> {
    const key = await queries.findKey(this.#options.db, shortId);
    const matches =
      key && (sameHash(key.secretHash, hash) || (key.previousHash !== null && sameHash(key.previousHash, hash)));
    if (!matches) throw unauthenticated('wrong_credential', 'This API key is not known.');
    if (key.revoked) throw unauthenticated('revoked_credential', 'This API key was revoked.');
    if (key.expired) throw unauthenticated('expired_credential', 'This API key has expired.');
    const principal: Principal = {
      kind: 'key',
      keyId: key.id,
      name: key.name,
      projectId: key.projectId,
      scopes: key.scopes,
      fromEnvironment: key.fromEnvironment,
    };
    const from = key.addresses.length > 0 ? new AddressSet(key.addresses) : undefined;
    return { principal, from, endsInMs: key.endsInMs };
  }

  async #readRunToken(hash: Buffer): Promise<Fresh> {
    const token = await queries.findRunToken(this.#options.db, hash);
    if (!token) throw unauthenticated('wrong_credential', 'This token is not known.');
    if (token.expired) throw unauthenticated('expired_credential', 'This token has ended with what it was bound to.');
    const principal = principalOf(token);
    if (!principal)
      throw unauthenticated('wrong_credential', 'This token belongs to a part of Muster that is not running here.');
    return { principal, from: undefined, endsInMs: token.endsInMs };
  }

  #countFailure(thrown: unknown, address: string | undefined): Error {
    const error = asError(thrown);
    if (!('code' in error) || error.code !== 'unauthenticated' || !('reason' in error)) return error;
    const reason = reasons.find((known) => known === error.reason) ?? 'wrong_credential';
    this.#refused(reason, error, undefined, address);
    if (address === undefined) return error;
    const taken = this.#failures.count(address);
    if (taken.ok) return error;
    this.#failed.add({ reason: 'too_many_failures' });
    return exhausted(
      'too_many_failures',
      'Too many wrong credentials came from this address. A right one still works.',
      { retryAfterMs: taken.resetMs },
    );
  }

  /** Counts, and once a second per cause writes who was refused. The answer never waits for that row. */
  #refused<E extends Error>(reason: Reason, error: E, who: Principal | undefined, address: string | undefined): E {
    this.#failed.add({ reason });
    this.#keepRefusal({ who, subject: reason, ...(address === undefined ? {} : { address }) });
    return error;
  }

  noteRefusal: Auth['noteRefusal'] = ({ reason }, { who, what, address, requestId }) => {
    if (reasons.some((own) => own === reason)) return;
    this.#keepRefusal({
      who: isPrincipal(who) ? who : undefined,
      subject: reason,
      after: { call: what },
      address,
      requestId,
    });
  };

  #keepRefusal(entry: Omit<AuditEntry, 'action' | 'outcome'>): void {
    if (this.#phase !== 'running' || !this.#refusals.take(entry.subject).ok) return;
    const { db, logger } = this.#options;
    db.transaction((tx) => writeAudit(tx, { ...entry, action: 'auth.refused', outcome: 'refused' })).catch(
      (failure: unknown) =>
        logger.warn({ error: asError(failure) }, 'a refused call could not be written to the audit'),
    );
  }

  requireScope(who: Principal, scope: Scope): void {
    if (who.kind === 'system' || (holdsScopes(who) && covers(who.scopes, scope))) return;
    const detail =
      who.kind === 'key'
        ? `This key lacks the scope ${scope}.`
        : who.kind === 'person'
          ? `The role ${who.role} lacks the scope ${scope} in this project.`
          : `A ${who.kind} token cannot do this; it needs an API key with the scope ${scope}.`;
    throw this.#refused('missing_scope', forbidden('missing_scope', detail, { extra: { scope } }), who, undefined);
  }

  async createKey(tx: Tx, input: NewApiKey, by: Principal): Promise<{ row: ApiKeyRow; secret: string }> {
    checkNewKey(input, this.#options.clock.now());
    // Nobody hands out more than they hold.
    for (const scope of input.scopes) this.requireScope(by, scope);
    const shortId = mintShortId();
    const secret = mintKey(shortId);
    const row = await queries.insertKey(tx, {
      id: newId('key'),
      projectId: input.projectId,
      name: input.name,
      shortId,
      scopes: [...new Set(input.scopes)],
      secretHash: hashOf(secret),
      addresses: input.addresses ?? [],
      createdBy: nameOfMaker(by),
      expiresAt: input.expiresAt ?? null,
    });
    return { row, secret };
  }

  async listKeys(
    reader: Reader,
    projectId: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ items: ApiKeyRow[]; nextCursor: string | null }> {
    if (page.cursor !== undefined && !idPattern('key').test(page.cursor))
      throw invalid('bad_cursor', 'This cursor does not come from a list of keys.');
    const rows = await queries.listKeys(reader, projectId, page.cursor ?? null, page.limit + 1);
    const items = rows.slice(0, page.limit);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  noteUse(who: unknown, status: number, tell: () => KeyUse): void {
    const keyId = keyOf(who);
    if (keyId !== undefined) this.#uses.note(keyId, status, tell);
  }

  countUses: Auth['countUses'] = (reader, keyIds) => countKeyUses(reader, keyIds);

  listUses: Auth['listUses'] = async (reader, projectId, keyId, page) => {
    const before = page.cursor === undefined ? null : Number(page.cursor);
    if (before !== null && !Number.isSafeInteger(before))
      throw invalid('bad_cursor', 'This cursor does not come from a list of requests.');
    if (!(await queries.hasKey(reader, projectId, keyId))) throw notFound('not_found', `There is no key ${keyId}.`);
    const rows = await listKeyUses(reader, keyId, before, page.limit + 1);
    const items = rows.slice(0, page.limit);
    const last = items.at(-1);
    return { items, nextCursor: rows.length > page.limit && last ? String(last.id) : null };
  };

  async rotateKey(
    tx: Tx,
    projectId: string,
    keyId: string,
    overlapMs: number,
    _by: Principal,
  ): Promise<{ row: ApiKeyRow; secret: string }> {
    if (overlapMs < 0 || overlapMs > authLimits.overlapMsMax) {
      throw invalid('bad_overlap', 'The old secret may go on for at most 7 days.', {
        errors: [{ pointer: '/overlapMs', detail: `0 to ${authLimits.overlapMsMax}` }],
      });
    }
    const shortId = await this.#lockOwn(tx, projectId, keyId, 'rotated');
    const secret = mintKey(shortId);
    const row = await queries.replaceSecret(tx, keyId, hashOf(secret), overlapMs);
    this.#tell(tx, { key: keyId });
    return { row, secret };
  }

  async revokeKey(tx: Tx, projectId: string, keyId: string, _by: Principal): Promise<ApiKeyRow> {
    const locked = await queries.lockKey(tx, projectId, keyId);
    if (!locked) throw notFound('not_found', `There is no key ${keyId}.`);
    if (locked.row.fromEnvironment) throw fromEnvironment(locked.row, 'revoked');
    const row = await queries.setRevoked(tx, keyId);
    this.#tell(tx, { key: keyId });
    return row;
  }

  async #lockOwn(tx: Tx, projectId: string, keyId: string, doing: string): Promise<string> {
    const locked = await queries.lockKey(tx, projectId, keyId);
    if (!locked) throw notFound('not_found', `There is no key ${keyId}.`);
    if (locked.row.fromEnvironment || locked.shortId === null) throw fromEnvironment(locked.row, doing);
    if (locked.row.revokedAt) throw conflict('key_revoked', 'A revoked key stays revoked. Create a new one.');
    return locked.shortId;
  }

  async issueRunToken(tx: Tx, claim: RunTokenClaim): Promise<string> {
    const [token] = await this.issueRunTokens(tx, [claim]);
    return must(token, 'the token just made');
  }

  async issueRunTokens(tx: Tx, claims: readonly RunTokenClaim[]): Promise<string[]> {
    if (claims.length === 0) return [];
    const made = claims.map((claim) => {
      const token = mintRunToken(claim.kind);
      return { claim, token, secretHash: hashOf(token) };
    });
    queries.insertRunTokens(tx, made);
    // Nobody has seen them yet, so what is committed is what they are: the first call need not ask the rows.
    tx.afterCommit(() => {
      for (const { claim, secretHash } of made) this.#remember(claim, secretHash);
    });
    return made.map(({ token }) => token);
  }

  #remember({ kind, projectId, subject, expiresAt }: RunTokenClaim, secretHash: Buffer): void {
    const { workerId = null, buildId = null, term = null } = subject;
    const principal = principalOf({ kind, projectId, workerId, buildId, term });
    const endsInMs = expiresAt ? expiresAt.getTime() - this.#options.clock.now() : null;
    if (principal)
      this.#cache.put(secretHash.toString('base64'), { principal, from: undefined }, endsInMs, this.#cache.generation);
  }

  async endRunTokens(tx: Tx, subject: RunTokenClaim['subject'], afterMs = 0): Promise<void> {
    const { workerId, buildId, term } = subject;
    if (buildId !== undefined) queries.endBuildTokens(tx, buildId, term ?? null, afterMs);
    else if (workerId !== undefined) queries.endWorkerTokens(tx, workerId, afterMs);
    else throw internal('internal', 'Run tokens are ended by worker or by build.');
    this.#tell(tx, {
      ...(buildId === undefined ? {} : { build: buildId }),
      ...(workerId === undefined ? {} : { worker: workerId }),
    });
  }

  async endRunTokensOf(tx: Tx, attempts: readonly { buildId: string; term: number }[], afterMs = 0): Promise<void> {
    if (attempts.length === 0) return;
    queries.endAttemptTokens(tx, attempts, afterMs);
    for (const { buildId } of attempts) this.#tell(tx, { build: buildId });
  }

  /** This node at once, the others over the bus; both only after the commit. */
  #tell(tx: Tx, changed: Changed): void {
    tx.afterCommit(() => {
      this.#changed(changed);
      this.#options.bus.publish(changedTopic, JSON.stringify(changed));
    });
  }

  #changed(what: Changed | undefined): void {
    this.#cache.changed(what);
    this.#heeded.changed(what);
  }

  heed(...heedful: Parameters<Auth['heed']>): Disposable {
    return this.#heeded.add(...heedful);
  }

  seePeople(again: (who: PersonPrincipal) => Promise<PersonPrincipal>): void {
    this.#again = again;
  }

  personAgain(who: PersonPrincipal): Promise<PersonPrincipal> {
    return this.#again(who);
  }

  peopleChanged(tx: Tx, what: PeopleChange): void {
    this.#tell(tx, what);
  }

  /** By the rows; rejects when what `who` stands on is no longer there. */
  async #whoIsNow(who: Principal): Promise<Principal> {
    if (who.kind === 'person') return this.#again(who);
    if (who.kind !== 'key' && who.kind !== 'browser') return who;
    const maker = await this.#browserTokens.maker(who.keyId, who.kind === 'browser' ? who.subject : null);
    const stands = maker && !maker.revoked && !maker.expired;
    if (stands && (who.kind === 'key' || (who.epoch >= maker.endUserEpoch && who.keyEpoch >= maker.keyEpoch)))
      return who;
    throw unauthenticated('revoked_credential', 'The credential of this call was revoked or has expired.');
  }

  issueBrowserToken(input: NewBrowserToken): Promise<{ token: string; tokenId: string; expiresAt: number }> {
    return this.#browserTokens.issue(input);
  }

  async revokeBrowserTokens(tx: Tx, projectId: string, of: { subject: string } | { keyId: string }): Promise<void> {
    await this.#browserTokens.revoke(tx, projectId, of);
    this.#tell(tx, 'keyId' in of ? { key: of.keyId } : { endUser: endUserOf(projectId, of.subject) });
  }

  browserKeys(): KeySet {
    return this.#browserTokens.keySet();
  }

  async #storeEnvironmentKeys(tx: Tx): Promise<void> {
    const { environmentKeys } = this.#options;
    for (const { name, secret, scopes } of environmentKeys) {
      const hash = hashOf(secret);
      const { id } = await queries.upsertEnvironmentKey(tx, {
        id: newId('key'),
        projectId: defaultProjectId,
        environmentName: name,
        scopes,
        secretHash: hash,
      });
      const principal: Principal = {
        kind: 'key',
        keyId: id,
        name,
        projectId: defaultProjectId,
        scopes,
        fromEnvironment: true,
      };
      this.#environment.set(hash.toString('base64'), { principal, from: undefined, untilMs: 0 });
    }
    await queries.revokeAbsentEnvironmentKeys(
      tx,
      environmentKeys.map(({ name }) => name),
    );
  }

  async #ensureFirstKey(tx: Tx): Promise<void> {
    const { firstKey } = this.#options;
    if (!firstKey) return;
    await queries.lockFirstKey(tx);
    if (await queries.hasAdminKey(tx)) return;
    const by = systemPrincipal();
    const { row, secret } = await this.createKey(
      tx,
      { projectId: defaultProjectId, name: 'first key', scopes: allScopes },
      by,
    );
    await writeAudit(tx, {
      who: by,
      action: 'key.created',
      subject: row.id,
      after: { name: row.name, scopes: row.scopes },
    });
    const path = await leaveFirstKey(firstKey.dataDir, secret);
    tx.afterCommit(() => firstKey.made(secret, path));
  }

  #touchLater(): void {
    this.#touching = this.#options.clock.after(authLimits.touchEveryMs, () => {
      void this.#touch().finally(() => {
        if (this.#phase === 'running') this.#touchLater();
      });
    });
  }

  async #touch(): Promise<void> {
    try {
      await this.#uses.flush((act) => this.#options.db.transaction(act));
    } catch (error) {
      this.#options.logger.warn({ error: asError(error) }, 'when keys were last used could not be written');
    }
  }

  #keepLater(): void {
    this.#keeping = this.#options.clock.after(authLimits.housekeepingEveryMs, () => {
      void this.#keepHouse().finally(() => {
        if (this.#phase === 'running') this.#keepLater();
      });
    });
  }

  async #keepHouse(): Promise<void> {
    const { db, logger, auditKeepDays } = this.#options;
    try {
      const dropped = await db.transaction((tx) => keepAuditPartitions(tx, auditKeepDays));
      if (dropped.length > 0) logger.info({ dropped }, 'old audit months removed');
      while ((await db.transaction((tx) => queries.sweepRunTokens(tx, 500))) === 500);
      await db.transaction((tx) => queries.sweepEpochs(tx));
      while ((await db.transaction((tx) => sweepKeyUses(tx, authLimits.keyUsesKeptMax, 5000))) === 5000);
    } catch (error) {
      logger.warn({ error: asError(error) }, 'audit partitions or old run tokens could not be looked after');
    }
  }
}

const mayCome = ({ from }: Known, address: string | undefined): boolean =>
  from === undefined || (address !== undefined && from.has(address));

/** Rules of single rooms say who called in words of their own. */
const isPrincipal = (who: unknown): who is Principal =>
  typeof who === 'object' && who !== null && 'kind' in who && 'projectId' in who;

const keyOf = (who: unknown): string | undefined =>
  typeof who === 'object' && who !== null && 'kind' in who && who.kind === 'key' && 'keyId' in who
    ? String(who.keyId)
    : undefined;

const nameOfMaker = (by: Principal): string =>
  by.kind === 'key' ? by.keyId : by.kind === 'person' ? by.personId : by.kind;

const fromEnvironment = (row: ApiKeyRow, doing: string): MusterError =>
  conflict(
    'key_from_environment',
    `This key is given by the variable ${row.name} and cannot be ${doing} here. Change the variable and restart.`,
  );
