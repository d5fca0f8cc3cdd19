import type { Tx } from '#kernel/db';
import { addKeyHours, insertKeyRequests, type KeyUse, touchKeys } from './key-use-queries.ts';
import { authLimits } from './limits.ts';

type Uses = { total: number; failed: number; address: string | null; kept: KeyUse[] };

/*
 * What keys were used for since the last flush. All calls are counted; a few of each key are kept whole, failed ones besides, so
 * that what is written does not grow with the traffic. A crash loses the last seconds of it.
 */
export class KeyUses {
  #byKey = new Map<string, Uses>();

  /** A key was accepted; what came of the call is told by `note`, if ever. */
  touched(keyId: string): void {
    this.#of(keyId);
  }

  /** `tell` is asked only for calls that are kept. */
  note(keyId: string, status: number, tell: () => KeyUse): void {
    const uses = this.#of(keyId);
    const failed = status >= 400;
    uses.total += 1;
    if (failed) uses.failed += 1;
    const { keyUsesKept: kept, keyFailuresKept: more } = authLimits;
    if (uses.kept.length >= (failed ? kept + more : kept)) return;
    const use = tell();
    uses.kept.push(use);
    uses.address = use.address;
  }

  #of(keyId: string): Uses {
    let uses = this.#byKey.get(keyId);
    if (!uses) this.#byKey.set(keyId, (uses = { total: 0, failed: 0, address: null, kept: [] }));
    return uses;
  }

  /** Writes what there is; when that fails the counts stay for the next time. */
  async flush(write: (act: (tx: Tx) => Promise<void>) => Promise<void>): Promise<void> {
    if (this.#byKey.size === 0) return;
    const taken = this.#byKey;
    this.#byKey = new Map();
    const all = [...taken];
    try {
      await write(async (tx) => {
        await touchKeys(
          tx,
          all.map(([keyId, { address }]) => ({ keyId, address })),
        );
        const counted = all.filter(([, { total }]) => total > 0);
        if (counted.length === 0) return;
        await addKeyHours(
          tx,
          counted.map(([keyId, { total, failed }]) => ({ keyId, total, failed })),
        );
        const rows = counted.flatMap(([keyId, { kept }]) => kept.map((use) => ({ ...use, keyId })));
        if (rows.length > 0) await insertKeyRequests(tx, rows);
      });
    } catch (error) {
      for (const [keyId, { total, failed, address }] of taken) {
        const uses = this.#of(keyId);
        uses.total += total;
        uses.failed += failed;
        uses.address ??= address;
      }
      throw error;
    }
  }
}
