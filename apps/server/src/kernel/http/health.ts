import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopback } from '#kernel/auth';
import { type Clock, forbidden, unauthenticated } from '#kernel/base';
import type { Metrics } from '#kernel/telemetry';
import { bearerOf } from './admission.ts';
import { answer, type RequestHead, type Routes } from './http.ts';

export type HealthRead = () => { ok: boolean; fields: Readonly<Record<string, unknown>> };
export type HealthOptions = {
  version: string;
  node: string;
  clock: Clock;
  metrics: Metrics;
  metricsAccess: { mode: 'loopback' | 'token' | 'open' | 'off'; token?: string | undefined };
  draining: () => boolean;
  started: () => boolean;
};

/** `/health` (alive, from memory), `/ready` (may get traffic), `/metrics`. */
export class Health {
  readonly #options: HealthOptions;
  readonly #reads: HealthRead[] = [];
  readonly #reasons: (() => string | undefined)[] = [];
  readonly #bornMs: number;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#bornMs = options.clock.monotonic();
  }

  add(read: HealthRead): void {
    this.#reads.push(read);
  }

  addReason(reason: () => string | undefined): void {
    this.#reasons.push(reason);
  }

  body(): Record<string, unknown> {
    const { version, node, clock } = this.#options;
    const parts = this.#reads.map((read) => read());
    return {
      status: parts.every((part) => part.ok) ? 'ok' : 'degraded',
      version,
      node,
      uptimeMs: Math.round(clock.monotonic() - this.#bornMs),
      timestamp: new Date(clock.now()).toISOString(),
      ...Object.fromEntries(parts.flatMap((part) => Object.entries(part.fields))),
    };
  }

  reasons(): string[] {
    const own = [this.#options.draining() ? 'draining' : undefined, this.#options.started() ? undefined : 'starting'];
    return [...own, ...this.#reasons.map((reason) => reason())].filter((reason) => reason !== undefined);
  }

  register(routes: Routes): void {
    const health = () => answer(200, this.body(), { 'cache-control': 'no-store' });
    routes.route({
      method: 'GET',
      path: '/health',
      auth: 'open',
      rate: 'exempt',
      summary: 'Whether the process lives, and how its parts are',
      handle: health,
    });
    routes.route({
      method: 'GET',
      path: '/api/health',
      auth: 'open',
      rate: 'exempt',
      hidden: true,
      summary: 'The same for old clients',
      handle: health,
    });
    routes.route({
      method: 'GET',
      path: '/ready',
      auth: 'open',
      rate: 'exempt',
      summary: 'Whether this node may get traffic, and why not',
      handle: () => {
        const reasons = this.reasons();
        return answer(
          reasons.length === 0 ? 200 : 503,
          { ready: reasons.length === 0, reasons },
          { 'cache-control': 'no-store' },
        );
      },
    });
    routes.route({
      method: 'GET',
      path: '/metrics',
      auth: (head: RequestHead) => this.mayRead(head),
      rate: 'exempt',
      summary: 'Prometheus metrics',
      handle: async () =>
        answer(200, await this.#options.metrics.text(), {
          'content-type': this.#options.metrics.contentType,
          'cache-control': 'no-store',
        }),
    });
  }

  /** Loopback is open unless a token is asked of everybody; the token opens it from anywhere. */
  mayRead(head: RequestHead): void {
    const { mode, token } = this.#options.metricsAccess;
    if (mode === 'off') throw forbidden('metrics_off', 'Metrics are switched off (MUSTER_METRICS).');
    if (mode === 'open' || (mode === 'loopback' && isLoopback(head.address))) return;
    const given = bearerOf(head);
    if (token !== undefined && given !== undefined && sameText(given, token)) return;
    throw unauthenticated(
      given === undefined ? 'no_credential' : 'wrong_credential',
      'Metrics are read with the token of MUSTER_METRICS_TOKEN, or from this machine.',
    );
  }
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
