import { nameOf, type Principal } from '#kernel/auth';
import { exhausted } from '#kernel/base';

/** How many live reads each credential has open on this node, over HTTP and sockets together. */
export class LiveReads {
  readonly #max: number;
  readonly #open = new Map<string, number>();
  #count = 0;

  constructor(perCredentialMax: number) {
    this.#max = perCredentialMax;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts one more until it is disposed of. `exhausted` `followers_max`. Nobody's reads of public paths are not counted here. */
  open(who: Principal): Disposable {
    const name = who.kind === 'anonymous' || who.kind === 'system' ? undefined : nameOf(who);
    const open = name === undefined ? 0 : (this.#open.get(name) ?? 0);
    if (open >= this.#max) {
      throw exhausted('followers_max', `This credential has ${this.#max} live reads open already.`, {
        retryAfterMs: 5000,
      });
    }
    if (name !== undefined) this.#open.set(name, open + 1);
    this.#count += 1;
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        this.#count -= 1;
        if (name === undefined) return;
        const left = (this.#open.get(name) ?? 1) - 1;
        if (left === 0) this.#open.delete(name);
        else this.#open.set(name, left);
      },
    };
  }
}
