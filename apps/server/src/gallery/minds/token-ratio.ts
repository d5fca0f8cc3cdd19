import { mindLimits } from './limits.ts';

const slack = 1.1;
const unknown = { perByte: 1 / 2, more: 128 };

/**
 * How many tokens a prompt will be at most, by its bytes. Until enough calls taught it, half a token a byte and 128; then
 * the highest ratio seen lately, with a tenth on top. A call that used more raises it at once.
 */
export class TokenRatio {
  #calls = 0;
  #highest = 0;
  #raised = 0;
  #mostOut = 0;

  bound(bytes: number): number {
    if (this.#calls < mindLimits.teachingCalls) {
      return Math.ceil(bytes * Math.max(unknown.perByte, this.#raised) + unknown.more);
    }
    return Math.ceil(bytes * Math.max(this.#highest * slack, this.#raised));
  }

  /** Answers whether the call used more than was bound for it. */
  learn(bytes: number, tokens: number, bound: number): boolean {
    if (bytes === 0) return false;
    const ratio = tokens / bytes;
    this.#calls += 1;
    // Slowly forgotten, so that one strange prompt does not count for ever.
    this.#highest = Math.max(this.#highest * 0.999, ratio);
    if (tokens <= bound) return false;
    this.#raised = Math.max(this.#raised, ratio * slack);
    return true;
  }

  /** Tokens of an answer at most: the limit of the call, or more when a model was seen not to keep to it. */
  outBound(limit: number): number {
    return Math.max(limit, Math.ceil(this.#mostOut * slack));
  }

  /** Answers whether an answer was longer than was bound for it. */
  wrote(tokens: number, bound: number): boolean {
    if (tokens <= bound) return false;
    this.#mostOut = Math.max(this.#mostOut, tokens);
    return true;
  }
}
