import { MusterError } from '@muster/protocol/errors';
import { answerCut } from './connection.ts';

/**
 * Ends a request on which nothing is heard any more: a peer that vanished without a word is no different from one that
 * thinks, except for the time. Also ends it when one of the outer signals does.
 */
export class Listening implements Disposable {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: readonly (AbortSignal | undefined)[]) {
    const given = outer.filter((each) => each !== undefined);
    this.signal = AbortSignal.any([this.#controller.signal, ...given]);
  }

  /** Something must be heard within this time. */
  expect(ms: number): void {
    this.heard();
    this.#timer = setTimeout(() => this.#controller.abort(silent(ms)), ms);
  }

  /** It was; nothing is expected until the next `expect`. */
  heard(): void {
    clearTimeout(this.#timer);
  }

  /** The pieces of a body; waiting for the next one takes at most so long. A body that breaks off is `unavailable`. */
  async *pieces(answer: Response, msMax: () => number): AsyncGenerator<Uint8Array, void> {
    const reader = answer.body?.getReader();
    for (;;) {
      let piece: { done: boolean; value?: Uint8Array | undefined } | undefined;
      this.expect(msMax());
      try {
        piece = await reader?.read();
      } catch (error) {
        throw this.signal.aborted ? this.signal.reason : answerCut(error);
      } finally {
        this.heard();
      }
      if (piece?.value === undefined) return;
      yield piece.value;
    }
  }

  [Symbol.dispose](): void {
    this.heard();
    this.#controller.abort(new DOMException('Nobody reads this any more.', 'AbortError'));
  }
}

const silent = (ms: number): MusterError =>
  new MusterError('unavailable', {
    reason: 'silence',
    detail: `Nothing was heard of the server for ${Math.round(ms / 1_000)} s.`,
  });

/** All of a body. */
export async function readBytes(listening: Listening, answer: Response, ms: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of listening.pieces(answer, () => ms)) {
    parts.push(part);
    size += part.length;
  }
  if (parts.length === 1 && parts[0]) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
