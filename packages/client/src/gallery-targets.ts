import type { GalleryTarget, NewTarget, Page, TargetChange } from '@muster/protocol';
import type { Connection } from './base/connection.ts';

/** What a check of a target found; each finding that is not good says what to do. */
export type TargetCheck = {
  ok: boolean;
  checkedAt: string;
  findings: { what: string; ok: boolean; detail: string; remedy?: string }[];
  capabilities: GalleryTarget['capabilities'];
  clockSkewMs: number;
};

const base = '/v1/gallery/targets';
const at = (id: string): string => `${base}/${encodeURIComponent(id)}`;

/** The galleries bots act on. */
export class GalleryTargets {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list(query: { limit?: number; cursor?: string } = {}): Promise<Page<GalleryTarget>> {
    return this.#connection.call('GET', base, { query });
  }

  get(id: string): Promise<GalleryTarget> {
    return this.#connection.call('GET', at(id));
  }

  create(target: NewTarget): Promise<GalleryTarget> {
    return this.#connection.call('POST', base, { json: target });
  }

  change(id: string, change: TargetChange, version?: number): Promise<GalleryTarget> {
    return this.#connection.call('PATCH', at(id), {
      json: change,
      ...(version === undefined ? {} : { headers: { 'if-match': `"${version}"` } }),
    });
  }

  delete(id: string): Promise<unknown> {
    return this.#connection.call('DELETE', at(id));
  }

  /** Reads only: reachability, token, shape of the feed, clock, what it can do. */
  check(id: string): Promise<TargetCheck> {
    return this.#connection.call('POST', `${at(id)}/check`, { json: {} });
  }

  /** The caller answers for three things: consent, that users see automation, that numbers keep bots apart. */
  acknowledge(id: string, host: string): Promise<GalleryTarget> {
    return this.#connection.call('POST', `${at(id)}/acknowledge`, {
      json: { host, iOperateOrHaveConsent: true, usersCanSeeAutomation: true, numbersKeepBotsApart: true },
    });
  }

  hold(id: string, reason: string): Promise<GalleryTarget> {
    return this.#connection.call('POST', `${at(id)}/hold`, { json: { reason } });
  }

  open(id: string): Promise<GalleryTarget> {
    return this.#connection.call('POST', `${at(id)}/open`, { json: {} });
  }
}
