import { lookup } from 'node:dns/promises';
import { asError, type Clock, exhausted, type Limits, MusterError, unavailable } from '#kernel/base';
import type { CounterMetric, Metrics } from '#kernel/telemetry';
import { exchange } from './exchange.ts';
import { AddressRule } from './forbidden-ranges.ts';
import { outboundLimits } from './limits.ts';
import type { Outbound, OutboundAnswer, OutboundCall } from './outbound.ts';
import { locate, type Resolve, readTarget } from './target.ts';

export type OutboundOptions = {
  clock: Clock;
  metrics: Metrics;
  /** Ranges that may be called although they are private; the operator's list. */
  allow: readonly string[];
  /** Whether this server listens on loopback only: then it may call loopback. */
  loopback: boolean;
  limits?: Limits;
  /** Tests: who answers for names. */
  resolve?: Resolve;
};

const outcomes = ['2xx', '3xx', '4xx', '5xx', 'not_allowed', 'failed'] as const;

export class GuardedOutbound implements Outbound {
  readonly #options: OutboundOptions;
  readonly #rule: AddressRule;
  readonly #resolve: Resolve;
  readonly #calls: CounterMetric<{ outcome: typeof outcomes }>;
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#rule = new AddressRule([...options.allow, ...(options.loopback ? ['loopback'] : [])]);
    // As the system does it, hosts file and all. Look-ups that hang hold half of libuv's threads at most.
    this.#resolve = options.resolve ?? ((name) => lookup(name, { all: true, verbatim: true }));
    this.#calls = options.metrics.counter({
      name: 'muster_outbound_calls_total',
      help: 'Calls to addresses somebody gave us, by what came back.',
      labels: { outcome: outcomes },
    });
    options.limits?.add({
      name: 'outbound.calls',
      unit: 'count',
      value: outboundLimits.callsMax,
      whenFull: 'Further calls wait for a free place.',
      used: () => this.#open,
    });
    options.limits?.add({
      name: 'outbound.waiting',
      unit: 'count',
      value: outboundLimits.waitingMax,
      whenFull: 'The call is not made: 429 outbound_busy; whoever wanted it tries again.',
      used: () => this.#waiting.length,
    });
    options.limits?.add({
      name: 'outbound.answerBytes',
      unit: 'bytes',
      value: outboundLimits.answerBytesMax,
      whenFull: 'The call counts as failed; the rest of the answer is not read.',
    });
    options.limits?.add({
      name: 'outbound.callMs',
      unit: 'ms',
      value: outboundLimits.callMs,
      whenFull: 'The call is cut and counts as failed.',
    });
    options.limits?.add({
      name: 'outbound.callLongestMs',
      unit: 'ms',
      value: outboundLimits.callLongestMs,
      whenFull: 'A caller that asks for more time gets this much.',
    });
  }

  async check(text: string): Promise<void> {
    const url = readTarget(text);
    try {
      await this.#within(outboundLimits.callMs, undefined, () => locate(url, this.#rule, this.#resolve));
    } catch (error) {
      if (error instanceof MusterError && error.code === 'invalid') throw error;
    }
  }

  async call(call: OutboundCall): Promise<OutboundAnswer> {
    try {
      const url = readTarget(call.url);
      const answer = await this.#inLine(() =>
        this.#within(
          Math.min(call.timeoutMs ?? outboundLimits.callMs, outboundLimits.callLongestMs),
          call.signal,
          (end) => this.#exchange(url, call, end),
        ),
      );
      this.#calls.add({ outcome: classOf(answer.status) });
      return answer;
    } catch (error) {
      this.#calls.add({ outcome: error instanceof MusterError && error.code === 'invalid' ? 'not_allowed' : 'failed' });
      throw error;
    }
  }

  async #exchange(url: URL, call: OutboundCall, end: AbortController): Promise<OutboundAnswer> {
    const { connectMs } = call;
    const { clock } = this.#options;
    using unconnected =
      connectMs === undefined ? undefined : clock.after(connectMs, () => end.abort(unreached(connectMs)));
    const target = await locate(url, this.#rule, this.#resolve, call.trusted);
    return await exchange(target, call, end.signal, () => unconnected?.[Symbol.dispose]());
  }

  /** The whole of `work` within `ms`, look-ups too: a name server that hangs is as slow as any other. */
  async #within<T>(ms: number, given: AbortSignal | undefined, work: (end: AbortController) => Promise<T>): Promise<T> {
    const end = new AbortController();
    const late = this.#options.clock.after(ms, () => end.abort(timedOut(ms)));
    const onAbort = (): void => end.abort(aborted());
    if (given?.aborted) onAbort();
    given?.addEventListener('abort', onAbort, { once: true });
    const over = new Promise<never>((_, reject) => {
      end.signal.addEventListener('abort', () => reject(asError(end.signal.reason)), { once: true });
    });
    try {
      if (end.signal.aborted) throw asError(end.signal.reason);
      return await Promise.race([work(end), over]);
    } finally {
      late[Symbol.dispose]();
      given?.removeEventListener('abort', onAbort);
    }
  }

  async #inLine<T>(work: () => Promise<T>): Promise<T> {
    if (this.#open >= outboundLimits.callsMax) {
      if (this.#waiting.length >= outboundLimits.waitingMax)
        throw exhausted('outbound_busy', 'Too many calls wait to be made.', { retryAfterMs: 1000 });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#open += 1;
    try {
      return await work();
    } finally {
      // The place goes straight to the next in line.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#open -= 1;
    }
  }
}

const timedOut = (ms: number): Error => unavailable('outbound_timeout', `There was no whole answer within ${ms} ms.`);
const unreached = (ms: number): Error => unavailable('outbound_timeout', `There was no connection within ${ms} ms.`);
const aborted = (): Error => unavailable('outbound_aborted', 'The call was given up on our side.');

function classOf(status: number): (typeof outcomes)[number] {
  if (status < 300) return '2xx';
  if (status < 400) return '3xx';
  return status < 500 ? '4xx' : '5xx';
}
