import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { type Clock, MusterError, must } from '#kernel/base';
import { type Db, type Reader, sql, type Tx } from '#kernel/db';
import type { SubscriptionEvents } from './events.ts';
import { subscriptionLimits } from './limits.ts';

/** Encrypts what must be read back. */
export type Box = {
  seal(plain: Uint8Array, bound?: Uint8Array): Buffer;
  open(sealed: Uint8Array, bound?: Uint8Array): Buffer;
};

type KeyRow = { kid: string; publicX: string; sealed: Uint8Array; old: boolean };
type Signing = { kid: string; privateKey: KeyObject };

const cacheMs = 60_000;

/**
 * What subscription webhooks are signed with: one Ed25519 key of the whole installation, made when first needed, replaced
 * when it is old or when the server's secret changed and cannot open it any more. Every process uses the one in the rows,
 * looked at again each minute, and at once when its own answer would be missing a key.
 */
export class SigningKeys {
  readonly #db: Db;
  readonly #box: Box;
  readonly #clock: Clock;
  readonly #events: SubscriptionEvents;
  #signing: { key: Signing; until: number } | undefined;
  #loading: Promise<Signing> | undefined;

  constructor(options: { db: Db; box: Box; clock: Clock; events: SubscriptionEvents }) {
    this.#db = options.db;
    this.#box = options.box;
    this.#clock = options.clock;
    this.#events = options.events;
  }

  async currentKid(): Promise<string> {
    return (await this.#current()).kid;
  }

  /** `t=<unix seconds>,kid=<key>,ed25519=<signature over t.body>`. */
  async sign(body: string): Promise<string> {
    const { kid, privateKey } = await this.#current();
    const seconds = Math.floor(this.#clock.now() / 1000);
    const signature = sign(null, Buffer.from(`${seconds}.${body}`), privateKey).toString('base64url');
    return `t=${seconds},kid=${kid},ed25519=${signature}`;
  }

  /** Public keys: the one in use, and those retired less than a day ago. */
  async published(): Promise<{ keys: Record<string, string>[] }> {
    await this.#current();
    const rows = await publishedKeys(this.#db);
    return {
      keys: rows.map(({ kid, publicX }) => ({ kty: 'OKP', crv: 'Ed25519', x: publicX, kid, use: 'sig', alg: 'EdDSA' })),
    };
  }

  /** Replaces a key that is old, and forgets those nobody may need any more. */
  async keepHouse(): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await sweepKeys(tx);
      const [row] = await keyInUse(tx);
      if (row?.old) await this.#replace(tx, row.kid, 'age');
    });
    this.#signing = undefined;
  }

  async #current(): Promise<Signing> {
    if (this.#signing && this.#signing.until > this.#clock.monotonic()) return this.#signing.key;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<Signing> {
    const [row] = await keyInUse(this.#db);
    const key = (row && this.#open(row)) ?? (await this.#db.transaction((tx) => this.#ensure(tx)));
    this.#signing = { key, until: this.#clock.monotonic() + cacheMs };
    return key;
  }

  /** Two processes may come here together: the second finds the key of the first. */
  async #ensure(tx: Tx): Promise<Signing> {
    await lockKeys(tx);
    const [row] = await keyInUse(tx);
    const opened = row && this.#open(row);
    return opened ?? this.#replace(tx, row?.kid, row ? 'unreadable' : 'first');
  }

  async #replace(tx: Tx, old: string | undefined, why: 'first' | 'age' | 'unreadable'): Promise<Signing> {
    await lockKeys(tx);
    if (old !== undefined) await retireKey(tx, old);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const publicX = must(publicKey.export({ format: 'jwk' }).x, 'the public part of a key');
    const kid = `ds_${hash('sha256', publicX, 'base64url').slice(0, 16)}`;
    const sealed = this.#box.seal(privateKey.export({ format: 'der', type: 'pkcs8' }), Buffer.from(kid));
    await insertKey(tx, { kid, publicX, sealed });
    tx.afterCommit(() => this.#events.keyRotated(kid, why));
    return { kid, privateKey };
  }

  /** `undefined`: it was sealed with a secret this server does not have. */
  #open({ kid, publicX, sealed }: KeyRow): Signing | undefined {
    try {
      const der = this.#box.open(sealed, Buffer.from(kid));
      const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      return createPublicKey(privateKey).export({ format: 'jwk' }).x === publicX ? { kid, privateKey } : undefined;
    } catch (error) {
      if (error instanceof MusterError) return undefined;
      throw error;
    }
  }
}

async function lockKeys(tx: Tx): Promise<void> {
  await tx.query(sql`
    -- lock_signing_keys: no table
    select pg_advisory_xact_lock(hashtext('muster.stream_signing_keys'))`);
}

const keyInUse = (reader: Reader): Promise<KeyRow[]> =>
  reader.query<KeyRow>(sql`
    -- signing_key_in_use: stream_signing_keys_in_use, one row
    select kid, public_x as "publicX", sealed, created_at < now() - ${subscriptionLimits.signingKeyDays}::int * interval '1 day' as old
    from stream_signing_keys where retired_at is null`);

const publishedKeys = (reader: Reader): Promise<{ kid: string; publicX: string }[]> =>
  reader.query(sql`
    -- published_signing_keys: a handful of rows
    select kid, public_x as "publicX" from stream_signing_keys
    where retired_at is null or retired_at > now() - ${subscriptionLimits.signingKeyOverlapMs}::float8 * interval '1 millisecond'
    order by created_at desc`);

async function insertKey(tx: Tx, key: { kid: string; publicX: string; sealed: Uint8Array }): Promise<void> {
  await tx.query(sql`
    -- insert_signing_key: primary key
    insert into stream_signing_keys (kid, public_x, sealed) values (${key.kid}, ${key.publicX}, ${key.sealed})`);
}

async function retireKey(tx: Tx, kid: string): Promise<void> {
  await tx.query(sql`
    -- retire_signing_key: primary key
    update stream_signing_keys set retired_at = now() where kid = ${kid} and retired_at is null`);
}

async function sweepKeys(tx: Tx): Promise<void> {
  await tx.query(sql`
    -- sweep_signing_keys: a handful of rows
    delete from stream_signing_keys where retired_at < now() - ${2 * subscriptionLimits.signingKeyOverlapMs}::float8 * interval '1 millisecond'`);
}
