import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { conflict, invalid, unavailable } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import type { Once } from './http.ts';
import type { EdgeLimits } from './limits.ts';
import { findIdempotencyKey, storeIdempotentAnswer, sweepIdempotencyKeys, takeIdempotencyKey } from './queries.ts';

/** Encrypts kept answers; `bound` ties one to its key. */
export type AnswerBox = {
  seal(plain: Uint8Array, bound: Uint8Array): Uint8Array;
  open(sealed: Uint8Array, bound: Uint8Array): Buffer;
};

type Use = { key: string; projectId: string; route: string; digest: string; response: ServerResponse };

/**
 * `Idempotency-Key`: the key's row is written in the transaction of the effect, so either both are there or neither (I9).
 * The first answer is kept encrypted for 24 h, because it may show a secret once.
 */
export class Idempotency {
  readonly #db: Db;
  readonly #box: AnswerBox;
  readonly #limits: EdgeLimits;

  constructor(options: { db: Db; box: AnswerBox; limits: EdgeLimits }) {
    this.#db = options.db;
    this.#box = options.box;
    this.#limits = options.limits;
  }

  once(use: Use): Once {
    if (
      use.key === '' ||
      Buffer.byteLength(use.key) > this.#limits.idempotencyKeyBytesMax ||
      /[^\u0021-\u007e]/.test(use.key)
    ) {
      throw invalid(
        'bad_idempotency_key',
        `Idempotency-Key is 1 to ${this.#limits.idempotencyKeyBytesMax} printable characters without spaces.`,
      );
    }
    return async <T>(tx: Tx, body: () => Promise<T>): Promise<T> => {
      const row = { projectId: use.projectId, route: use.route, key: use.key };
      if (!(await takeIdempotencyKey(tx, { ...row, digest: use.digest, keepMs: this.#limits.idempotencyKeepMs }))) {
        return (await this.#first(tx, use)) as T; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what the same body stored
      }
      const result = await body();
      await storeIdempotentAnswer(tx, row, this.#seal(JSON.stringify(result), use));
      return result;
    };
  }

  async #first(tx: Tx, use: Use): Promise<unknown> {
    const found = await findIdempotencyKey(tx, use);
    if (!found)
      throw unavailable('try_again', 'The first call with this Idempotency-Key has just ended; send it again.', {
        retryAfterMs: 1000,
      });
    if (found.digest !== use.digest) {
      throw conflict(
        'idempotency_mismatch',
        'This Idempotency-Key was used with another body. Take a new key for a new request.',
      );
    }
    if (!found.answer)
      throw conflict('idempotency_busy', 'The first call with this Idempotency-Key has no answer yet.');
    if (!use.response.headersSent) use.response.setHeader('idempotency-replayed', 'true');
    return JSON.parse(this.#box.open(found.answer, bound(use)).toString());
  }

  #seal(text: string, use: Use): Uint8Array {
    const plain = Buffer.from(text);
    if (plain.length <= this.#limits.idempotencyAnswerBytesMax) return this.#box.seal(plain, bound(use));
    throw invalid(
      'answer_too_large',
      'The answer of this call is too large to be kept for an Idempotency-Key; send it without one.',
    );
  }

  /** Rows past their time, in small batches. */
  async sweep(): Promise<void> {
    while ((await this.#db.transaction((tx) => sweepIdempotencyKeys(tx, 500))) === 500);
  }
}

/** A sealed answer opens only under the key it was stored for. */
const bound = (use: Use): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([use.projectId, use.route, use.key]))
    .digest();
