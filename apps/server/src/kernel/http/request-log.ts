import type { Clock } from '#kernel/base';
import type { HistogramMetric, Logger, Metrics } from '#kernel/telemetry';

export type RequestFacts = {
  method: string;
  route: string;
  status: number;
  ms: number;
  requestId: string;
  address: string;
  bytes?: number | undefined;
};

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** One line and one measurement per request. Above 200 a second lines are sampled; failures of ours are always written. */
export class RequestLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #perSecond: number;
  readonly #seconds: HistogramMetric<{ route: { max: number }; method: readonly string[]; status: { max: number } }>;
  #second = 0;
  #inSecond = 0;
  #skipped = 0;

  constructor(options: { clock: Clock; logger: Logger; metrics: Metrics; perSecond: number }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#perSecond = options.perSecond;
    this.#seconds = options.metrics.histogram({
      name: 'muster_http_request_seconds',
      help: 'Time from the first byte of a request to the last of its answer.',
      labels: { route: { max: 400 }, method: methods, status: { max: 60 } },
    });
  }

  note(facts: RequestFacts): void {
    this.#observe(facts.route, facts.method, facts.status, facts.ms);
    if (facts.status >= 500) return this.#logger.warn({ ...facts, ms: Math.round(facts.ms) }, 'request failed');
    if (this.#mayWrite()) this.#logger.info({ ...facts, ms: Math.round(facts.ms * 10) / 10 }, 'request');
  }

  /** As `note`, for paths where even gathering the facts would cost too much: they are asked for only when written. */
  noteHot(
    route: string,
    method: string,
    status: number,
    ms: number,
    call: { readonly requestId: string; readonly address: string },
  ): void {
    if (status >= 500) {
      return this.note({ route, method, status, ms, requestId: call.requestId, address: call.address });
    }
    this.#observe(route, method, status, ms);
    if (!this.#mayWrite()) return;
    const { requestId, address } = call;
    this.#logger.info({ route, method, status, ms: Math.round(ms * 10) / 10, requestId, address }, 'request');
  }

  #observe(route: string, method: string, status: number, ms: number): void {
    this.#seconds.observe({ route, method, status: String(status) }, ms / 1000);
  }

  /** Above so many lines a second they are sampled; how many were left out is said with the next. */
  #mayWrite(): boolean {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    if (second !== this.#second) {
      if (this.#skipped > 0) this.#logger.info({ skipped: this.#skipped }, 'requests not logged');
      this.#second = second;
      this.#inSecond = 0;
      this.#skipped = 0;
    }
    if (++this.#inSecond <= this.#perSecond) return true;
    this.#skipped += 1;
    return false;
  }
}
