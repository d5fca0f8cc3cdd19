import { MusterError } from '@muster/protocol/errors';

/** A fixed credential, or where to get one: told `refused` when the server no longer took the last one. */
export type CredentialSource = string | ((why: 'first' | 'refused') => string | Promise<string>);

/** What is sent with each request. Many requests that are refused at once ask for one new token, not for many. */
export class Credential {
  readonly #source: CredentialSource | undefined;
  #held: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(source: CredentialSource | undefined) {
    this.#source = source;
    this.#held = typeof source === 'string' ? source : undefined;
  }

  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  async now(): Promise<string | undefined> {
    return this.#held ?? (this.renewable ? this.#ask('first') : undefined);
  }

  /** Another one than `refused`; somebody else may have got it already. */
  async insteadOf(refused: string | undefined): Promise<string | undefined> {
    if (this.#held !== undefined && this.#held !== refused) return this.#held;
    return this.renewable ? this.#ask('refused') : this.#held;
  }

  #ask(why: 'first' | 'refused'): Promise<string> {
    this.#asking ??= this.#fromSource(why).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Whoever gives tokens may be away for a moment; what it says on purpose, as a `MusterError`, is left as it is. */
  async #fromSource(why: 'first' | 'refused'): Promise<string> {
    if (typeof this.#source !== 'function') throw new TypeError('this credential has no source');
    try {
      this.#held = await this.#source(why);
      return this.#held;
    } catch (error) {
      if (error instanceof MusterError) throw error;
      throw new MusterError('unavailable', {
        reason: 'no_token',
        detail: `No token could be had: ${error instanceof Error ? error.message : String(error)}.`,
        cause: error,
      });
    }
  }
}
