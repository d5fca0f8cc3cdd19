import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
import { type JWTPayload, errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { type Clock, invalid, must, randomToken, unauthenticated } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import { type BrowserPrincipal, browserOperations, type KeySet, type NewBrowserToken } from './auth.ts';
import { authLimits } from './limits.ts';
import * as queries from './queries.ts';

/*
 * Browser tokens are JWTs (RFC 7519) signed with Ed25519 by a key derived from the installation's secret. Nothing is stored
 * for one: what ends it early is the row of the key that made it, and the epochs, numbers that a revocation raises and a
 * token must not be below. Both are asked whenever a token was not seen in the last minute.
 */

const issuer = 'muster';
const audience = 'muster:streams';

const claimsShape = z.object({
  jti: z.string(),
  key: z.string(),
  prj: z.string(),
  sub: z.string().optional(),
  paths: z.array(z.string()),
  rights: z.array(z.enum(browserOperations)),
  producerPrefix: z.string().optional(),
  renewable: z.boolean(),
  born: z.number(),
  exp: z.number(),
  epoch: z.number(),
  keyEpoch: z.number(),
});

type SigningKey = { kid: string; privateKey: KeyObject; publicKey: KeyObject; jwk: KeySet['keys'][number] };
export type ReadToken = { principal: BrowserPrincipal; endsInMs: number };

export class BrowserTokens {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #keys: readonly SigningKey[];

  /** `seeds`: 32 bytes each, the present one first; none: no tokens are made, and none are known. */
  constructor(options: { db: Db; clock: Clock; seeds: readonly Uint8Array[] }) {
    this.#db = options.db;
    this.#clock = options.clock;
    this.#keys = options.seeds.map(keyOf);
  }

  keySet(): KeySet {
    return { keys: this.#keys.map(({ jwk }) => jwk) };
  }

  async issue(input: NewBrowserToken): Promise<{ token: string; tokenId: string; expiresAt: number }> {
    const signing = must(this.#keys[0], 'a key to sign browser tokens with');
    const maker = must(await this.maker(input.keyId, input.subject), 'the key that makes a token');
    const now = this.#clock.now();
    const expires = Math.ceil((now + input.ttlMs) / 1000);
    const tokenId = randomToken(12);
    const claims: JWTPayload = {
      iss: issuer,
      aud: audience,
      jti: tokenId,
      key: input.keyId,
      prj: input.projectId,
      ...(input.subject === null ? {} : { sub: input.subject }),
      paths: [...input.paths],
      rights: [...input.operations],
      ...(input.producerPrefix === null ? {} : { producerPrefix: input.producerPrefix }),
      renewable: input.renewable,
      born: Math.floor((input.bornAt ?? now) / 1000),
      iat: Math.floor(now / 1000),
      exp: expires,
      epoch: maker.endUserEpoch,
      keyEpoch: maker.keyEpoch,
    };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: signing.kid, typ: 'JWT' })
      .sign(signing.privateKey);
    if (token.length > authLimits.browserTokenBytesMax)
      throw invalid(
        'token_too_long',
        `These paths make a token of ${token.length} bytes; a header carries ${authLimits.browserTokenBytesMax}. Take wider patterns.`,
      );
    return { token, tokenId, expiresAt: expires * 1000 };
  }

  /** `unauthenticated` `wrong_credential`, `expired_credential`, `revoked_credential`. */
  async read(token: string): Promise<ReadToken> {
    const principal = await this.#verified(token);
    const maker = await this.maker(principal.keyId, principal.subject);
    if (!maker || maker.projectId !== principal.projectId) throw wrong();
    if (maker.revoked || maker.expired)
      throw unauthenticated('revoked_credential', 'The key that made this token has ended, and the token with it.');
    if (principal.epoch < maker.endUserEpoch || principal.keyEpoch < maker.keyEpoch) throw revoked();
    const endsInMs = Math.min(principal.expiresAt - this.#clock.now(), maker.endsInMs ?? Number.POSITIVE_INFINITY);
    return { principal: { ...principal, scopes: maker.scopes }, endsInMs };
  }

  async revoke(tx: Tx, projectId: string, of: { subject: string } | { keyId: string }): Promise<void> {
    const subject = 'subject' in of ? endUserSubject(of.subject) : keySubject(of.keyId);
    await queries.raiseEpoch(tx, projectId, subject);
  }

  async #verified(token: string): Promise<Omit<BrowserPrincipal, 'scopes'>> {
    if (token.length > authLimits.browserTokenBytesMax) throw wrong();
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(
        token,
        ({ kid }) => must(this.#keys.find((key) => key.kid === kid)?.publicKey, 'a key of ours'),
        { algorithms: ['EdDSA'], issuer, audience, currentDate: new Date(this.#clock.now()), typ: 'JWT' },
      ));
    } catch (error) {
      if (error instanceof joseErrors.JWTExpired)
        throw unauthenticated('expired_credential', 'This token has expired; ask for a new one.');
      throw wrong();
    }
    const claims = claimsShape.safeParse(payload);
    if (!claims.success) throw wrong();
    const { jti, key, prj, sub, paths, rights, producerPrefix, renewable, born, exp, epoch, keyEpoch } = claims.data;
    return {
      kind: 'browser',
      tokenId: jti,
      keyId: key,
      projectId: prj,
      subject: sub ?? null,
      paths,
      operations: rights,
      producerPrefix: producerPrefix ?? null,
      renewable,
      bornAt: born * 1000,
      expiresAt: exp * 1000,
      epoch,
      keyEpoch,
    };
  }

  /** What tokens of this key, for this end user, stand on now. */
  maker(keyId: string, subject: string | null): Promise<queries.MakerRecord | undefined> {
    return queries.findMaker(this.#db, keyId, keySubject(keyId), subject === null ? null : endUserSubject(subject));
  }
}

const keySubject = (keyId: string): string => `key:${keyId}`;
const endUserSubject = (name: string): string => `endUser:${name}`;

/** Three parts of base64url: all it takes to ask the keys. */
export const looksLikeToken = (credential: string): boolean => shape.test(credential);
const shape = /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** An Ed25519 key is its 32-byte seed; PKCS #8 (RFC 8410) is how node wants to be given it. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

function keyOf(seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const { x = '' } = publicKey.export({ format: 'jwk' });
  // The thumbprint of RFC 7638, shortened: a name, not a proof.
  const kid = `mt_${hash('sha256', JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }), 'base64url').slice(0, 16)}`;
  return { kid, privateKey, publicKey, jwk: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' } };
}

const wrong = (): Error => unauthenticated('wrong_credential', 'This token was not made here, or was changed.');
const revoked = (): Error => unauthenticated('revoked_credential', 'This token was revoked; ask for a new one.');
