import type { Prices, PutPrices, Usage, UsageStep, WeekStart } from '@muster/protocol';
import type { Connection } from './base/connection.ts';

export type UsageAsked = {
  from?: string;
  to?: string;
  by?: UsageStep;
  tz?: string;
  weekStart?: WeekStart;
  group?: string;
  meter?: string;
};

/** What was used and what it cost. */
export class UsageCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get(query: UsageAsked = {}, signal?: AbortSignal): Promise<Usage> {
    return this.#connection.call('GET', '/v1/usage', { query, signal });
  }

  prices(signal?: AbortSignal): Promise<Prices> {
    return this.#connection.call('GET', '/v1/prices', { signal });
  }

  /** The whole list. With `ifVersion`: refused when somebody changed it meanwhile. */
  putPrices(prices: PutPrices, ifVersion?: number): Promise<Prices> {
    return this.#connection.call('PUT', '/v1/prices', {
      json: prices,
      ...(ifVersion === undefined ? {} : { headers: { 'if-match': `"${ifVersion}"` } }),
    });
  }
}
