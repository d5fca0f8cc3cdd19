import type { FaultKind } from '@muster/protocol';
import type { Connection } from './base/connection.ts';

/** Kill switch and budgets of the gallery built in here; `null`: unlimited. */
export type SandboxSettings = {
  paused: boolean;
  fleetDailyMax: number | null;
  fleetMonthlyMax: number | null;
  agentDailyMax: number | null;
  agentMonthlyMax: number | null;
  version: number;
};
export type SandboxFault = {
  match?: { method?: 'GET' | 'POST' | 'PUT' | 'DELETE'; path?: string; username?: string };
  kind: FaultKind;
  probability?: number;
  times?: number;
  delayMs?: number;
};
export type SandboxFaultShown = SandboxFault & { id: string; timesLeft: number | null; expiresAt: string };
export type SandboxReport = {
  id: string;
  itemId: string;
  commentId: string | null;
  by: string;
  reason: string;
  createdAt: string;
  title: string;
  content: string | null;
};

const base = '/v1/gallery/sandbox';

/** The gallery built in here, for those who run it. */
export class GallerySandbox {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  settings(): Promise<SandboxSettings> {
    return this.#connection.call('GET', `${base}/settings`);
  }

  changeSettings(change: Partial<Omit<SandboxSettings, 'version'>>): Promise<SandboxSettings> {
    return this.#connection.call('PATCH', `${base}/settings`, { json: change });
  }

  faults(): Promise<{ items: SandboxFaultShown[] }> {
    return this.#connection.call('GET', `${base}/faults`);
  }

  /** In place of those before; they end after an hour. */
  putFaults(items: SandboxFault[]): Promise<{ items: SandboxFaultShown[] }> {
    return this.#connection.call('PUT', `${base}/faults`, { json: { items } });
  }

  /** Forgets everything shown and said there. `confirm`: `reset the sandbox`. */
  reset(confirm: string): Promise<unknown> {
    return this.#connection.call('POST', `${base}/reset`, { json: { confirm } });
  }

  reports(): Promise<{ items: SandboxReport[] }> {
    return this.#connection.call('GET', `${base}/reports`);
  }

  removeItem(id: string): Promise<unknown> {
    return this.#connection.call('DELETE', `${base}/items/${encodeURIComponent(id)}`);
  }

  removeComment(id: string): Promise<unknown> {
    return this.#connection.call('DELETE', `${base}/comments/${encodeURIComponent(id)}`);
  }
}
