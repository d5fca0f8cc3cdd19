import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { exhausted } from '#kernel/base';
import { peopleLimits } from './limits.ts';

/*
 * scrypt (RFC 7914) with N = 2^15, r = 8, p = 3: 32 MiB, and about as long as people do not notice. The parameters stand in the
 * stored text (`scrypt$15$8$3$<salt>$<hash>`), so they can be raised later without asking anybody for a new password.
 */
const now = { logN: 15, r: 8, p: 3 } as const;
const saltBytes = 16;
const hashBytes = 32;

type Cost = { logN: number; r: number; p: number };

/** Hashes for storing. Composed and decomposed letters are the same password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await derive(password, salt, now);
  return `scrypt$${now.logN}$${now.r}$${now.p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/** Whether `password` is the one `stored` was made from. What is not ours is nobody's password, and takes as long to find out. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const found = shape.exec(stored);
  const [, logN = '', r = '', p = '', salt = '', hash = ''] = found ?? [];
  const cost = found ? { logN: Number(logN), r: Number(r), p: Number(p) } : now;
  const wanted = Buffer.from(hash, 'base64url');
  const got = await derive(password, found ? Buffer.from(salt, 'base64url') : randomBytes(saltBytes), cost);
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}

const shape = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([\w-]{22})\$([\w-]{43})$/;

function derive(password: string, salt: Buffer, { logN, r, p }: Cost): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** logN, r, p, maxmem: 128 * 2 ** logN * r + 128 * r * p + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, hashBytes, options, (error, hash) =>
      error ? reject(error) : resolve(hash),
    );
  });
}

/** Lets few hash at once: memory is bounded, and whoever floods the form cannot hold the whole server. */
export class HashGate {
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  /** `exhausted` `sign_in_busy`. */
  async through<T>(body: () => Promise<T>): Promise<T> {
    if (this.#busy < peopleLimits.hashingMax) this.#busy += 1;
    else {
      if (this.#waiting.length >= peopleLimits.hashingWaitingMax)
        throw exhausted('sign_in_busy', 'Too many people sign in at this moment.', { retryAfterMs: 2000 });
      // Whoever leaves hands over the place, so nobody slips in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await body();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy -= 1;
    }
  }

  get waiting(): number {
    return this.#waiting.length;
  }
}
