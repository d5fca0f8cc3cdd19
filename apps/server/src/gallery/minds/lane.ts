import { asError, type Clock } from '#kernel/base';
import { Breaker, type BreakerView } from './breaker.ts';
import { Bucket } from './bucket.ts';
import { mindLimits as limits } from './limits.ts';

/** Why a call did not go out. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
  /** `pace`: the line at our own rate is too long. `refused`, `down`: the provider is the reason. */
  readonly why: 'pace' | 'refused' | 'down';
  readonly retryAfterMs: number;

  constructor(why: NotNow['why'], retryAfterMs: number) {
    super(why === 'pace' ? 'too many thinks wait for this provider' : 'the provider takes no calls just now');
    this.why = why;
    this.retryAfterMs = Math.ceil(retryAfterMs);
  }
}

/** How a call went, for the lane's books. */
export type CallEnd =
  | { kind: 'answered'; tokens: number; rates: Rates }
  | { kind: 'rate_limited'; retryAfterMs: number | undefined; rates: Rates }
  | { kind: 'failed' }
  /** Given up on our side, or a fault of the request: says nothing about the provider. */
  | { kind: 'void' };
export type Rates = { requests?: number; requestsLeft?: number; tokens?: number; tokensLeft?: number };

export type LaneView = {
  inFlight: number;
  waiting: number;
  requestsPerMinute: number;
  tokensPerMinute: number;
  blockedUntil: number | null;
  breaker: BreakerView;
};

type Waiter = { tokens: number; go: () => void; giveUp: (error: Error) => void };

/**
 * The way to one provider at one address: eight calls at once, so many requests and tokens a minute, first come first
 * served, shut while the provider fails. Whoever would wait too long is told so at once.
 */
export class Lane {
  readonly #clock: Clock;
  readonly #requests: Bucket;
  readonly #tokens: Bucket;
  readonly breaker: Breaker;
  readonly #waiting: Waiter[] = [];
  #inFlight = 0;
  #blockedUntil = 0;
  #timer: Disposable | undefined;

  constructor(clock: Clock, rates: { rpm: number; tpm: number }) {
    this.#clock = clock;
    this.#requests = new Bucket(rates.rpm, clock.now());
    this.#tokens = new Bucket(rates.tpm, clock.now());
    this.breaker = new Breaker(clock);
  }

  view(): LaneView {
    return {
      inFlight: this.#inFlight,
      waiting: this.#waiting.length,
      requestsPerMinute: Math.round(this.#requests.perMinute),
      tokensPerMinute: Math.round(this.#tokens.perMinute),
      blockedUntil: this.#blockedUntil > this.#clock.now() ? this.#blockedUntil : null,
      breaker: this.breaker.view(),
    };
  }

  /**
   * Resolves when the call may go out; the answer must be called once with how it ended. Throws `NotNow`, or the signal's
   * reason.
   */
  async enter(tokens: number, signal: AbortSignal): Promise<(end: CallEnd) => void> {
    signal.throwIfAborted();
    this.#refuseIfHopeless(tokens);
    if (this.#waiting.length > 0 || !this.#mayGo(tokens)) await this.#wait(tokens, signal);
    else this.#admit(tokens);
    // The breaker is asked last: who is let out for a trial goes out.
    const shut = this.breaker.waitMs();
    if (shut > 0) {
      this.#leave();
      throw new NotNow('down', shut);
    }
    return (end) => {
      this.#note(end, tokens);
      this.#leave();
    };
  }

  #refuseIfHopeless(tokens: number): void {
    const now = this.#clock.now();
    const { state, until } = this.breaker.view();
    if (state === 'open') throw new NotNow('down', (until ?? now) - now);
    if (this.#blockedUntil - now > limits.waitMsMax) throw new NotNow('refused', this.#blockedUntil - now);
    const ahead = this.#waiting.reduce((sum, waiter) => sum + waiter.tokens, 0);
    const wait = Math.max(
      this.#requests.waitMs(1, now) + (this.#waiting.length / this.#requests.perMinute) * 60_000,
      this.#tokens.waitMs(tokens, now) + (ahead / this.#tokens.perMinute) * 60_000,
    );
    if (wait > limits.waitMsMax || this.#waiting.length >= limits.waitingMax) {
      throw new NotNow(this.#punished ? 'refused' : 'pace', Math.max(wait, 1_000));
    }
  }

  /** The provider, not our own pace, is what holds calls back. */
  get #punished(): boolean {
    return this.#blockedUntil > this.#clock.now() || this.#requests.share < 0.5;
  }

  #mayGo(tokens: number): boolean {
    return this.#inFlight < limits.inFlightMax && this.#waitMs(tokens) === 0;
  }

  #waitMs(tokens: number): number {
    const now = this.#clock.now();
    return Math.max(this.#blockedUntil - now, this.#requests.waitMs(1, now), this.#tokens.waitMs(tokens, now), 0);
  }

  async #wait(tokens: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = {
      tokens,
      go: resolve,
      giveUp: (error) => {
        // Out of the line at once: its place must not be given to it any more.
        const place = this.#waiting.indexOf(waiter);
        if (place === -1) return;
        this.#waiting.splice(place, 1);
        reject(error);
        this.#pump();
      },
    };
    this.#waiting.push(waiter);
    const late = this.#clock.after(limits.waitMsMax, () =>
      waiter.giveUp(new NotNow(this.#punished ? 'refused' : 'pace', Math.max(1_000, this.#waitMs(tokens)))),
    );
    const onAbort = (): void => waiter.giveUp(asError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#pump();
    try {
      await promise;
    } finally {
      late[Symbol.dispose]();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Lets the first of the line out when it may go, else comes back when it might. */
  #pump(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    for (;;) {
      const [first] = this.#waiting;
      if (!first || this.#inFlight >= limits.inFlightMax) return;
      const wait = this.#waitMs(first.tokens);
      if (wait > 0) {
        this.#timer = this.#clock.after(wait, () => this.#pump());
        return;
      }
      this.#waiting.shift();
      this.#admit(first.tokens);
      first.go();
    }
  }

  #admit(tokens: number): void {
    const now = this.#clock.now();
    this.#inFlight += 1;
    this.#requests.take(1, now);
    this.#tokens.take(tokens, now);
  }

  #leave(): void {
    this.#inFlight -= 1;
    this.#pump();
  }

  #note(end: CallEnd, reserved: number): void {
    const now = this.#clock.now();
    switch (end.kind) {
      case 'answered':
        this.breaker.record(false);
        this.#learn(end.rates, now);
        this.#tokens.giveBack(reserved - end.tokens, now);
        this.#requests.answered(now);
        this.#tokens.answered(now);
        break;
      case 'rate_limited':
        this.breaker.record(true);
        this.#learn(end.rates, now);
        this.#requests.refused(now);
        this.#tokens.refused(now);
        this.#blockedUntil = Math.max(this.#blockedUntil, now + (end.retryAfterMs ?? limits.retryBaseMs));
        break;
      case 'failed':
        this.breaker.record(true);
        break;
      case 'void':
      default:
        this.breaker.forget();
        this.#tokens.giveBack(reserved, now);
        break;
    }
  }

  #learn({ requests, requestsLeft, tokens, tokensLeft }: Rates, now: number): void {
    if (requests !== undefined) this.#requests.learn(requests, now);
    if (tokens !== undefined) this.#tokens.learn(tokens, now);
    if (requestsLeft !== undefined) this.#requests.lower(requestsLeft, now);
    if (tokensLeft !== undefined) this.#tokens.lower(tokensLeft, now);
  }
}
