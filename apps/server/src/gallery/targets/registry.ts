import { type TargetRow, type Transport } from '#gallery/model';
import { notFound } from '#kernel/base';
import { Breaker } from './breaker.ts';
import { type Credentials, requireActing } from './caller.ts';
import type { TargetsDeps } from './deps.ts';
import { Lane } from './lane.ts';
import { answerBounds } from './limits.ts';
import { createTargetMetrics, type TargetMetrics } from './metrics.ts';
import { networkTransport } from './network-transport.ts';
import { readTarget, type TargetSheet } from './queries/targets.ts';
import { createTarget, type TargetClient } from './target-client.ts';

export type RegistryDeps = Pick<
  TargetsDeps,
  'db' | 'clock' | 'random' | 'outbound' | 'secrets' | 'sandbox' | 'config' | 'pngOf'
> & { telemetry: Pick<TargetsDeps['telemetry'], 'metrics'> };

type Known = {
  client: TargetClient;
  version: number;
  gate: string;
  readAt: number;
};
/** What belongs to the address, not to the row: it outlives a change of title or quiet list. */
type Way = { baseUrl: string; lane: Lane; breaker: Breaker };

/** How long a row is believed without another look. */
const freshMs = 1_000;

/** One client per target of this process, made anew when the row changed; lane and breaker stay as long as the address does. */
export class TargetRegistry {
  readonly #deps: RegistryDeps;
  readonly #metrics: TargetMetrics;
  readonly #known = new Map<string, Known>();
  readonly #ways = new Map<string, Way>();
  readonly #reading = new Map<string, Promise<TargetClient>>();

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
    this.#metrics = createTargetMetrics(deps.telemetry.metrics);
  }

  /** The client of a target; its row is read again at most once a second. `notFound` `no_such_target`. */
  async of(projectId: string, id: string): Promise<TargetClient> {
    const key = keyOf(projectId, id);
    const known = this.#known.get(key);
    if (known && this.#deps.clock.monotonic() - known.readAt < freshMs) return known.client;
    // Many bots wake in the same moment: they share one look.
    const reading = this.#reading.get(key) ?? this.#read(projectId, id).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return await reading;
  }

  /** As `of`, for whoever is about to act there: also `conflict` `target_not_acknowledged`. */
  async acting(projectId: string, id: string): Promise<TargetClient> {
    const client = await this.of(projectId, id);
    requireActing(client.row);
    return client;
  }

  /** After a change to the row: the next `of` reads it. */
  forget(projectId: string, id: string): void {
    this.#known.delete(keyOf(projectId, id));
    this.#reading.delete(keyOf(projectId, id));
  }

  /** A person opened the gate: the target gets a fresh chance here. */
  calm(projectId: string, id: string): void {
    this.#ways.get(keyOf(projectId, id))?.breaker.calm();
  }

  /** Calls that wait for a place at the target where most do. */
  longestLine(): number {
    return Math.max(0, ...[...this.#ways.values()].map(({ lane }) => lane.waiting));
  }

  async #read(projectId: string, id: string): Promise<TargetClient> {
    const sheet = await readTarget(this.#deps.db, projectId, id);
    const key = keyOf(projectId, id);
    if (!sheet) {
      this.#known.delete(key);
      this.#ways.delete(key);
      throw noSuchTarget(id);
    }
    const gate = JSON.stringify([sheet.gate, sheet.capabilities]);
    const readAt = this.#deps.clock.monotonic();
    const known = this.#known.get(key);
    const same = known?.version === sheet.version && known.gate === gate;
    const client = same ? known.client : this.clientOf(sheet);
    this.#known.set(key, { client, version: sheet.version, gate, readAt });
    return client;
  }

  /** A client for a row as it is, with the lane and breaker of its target. */
  clientOf(sheet: TargetSheet): TargetClient {
    const { clock, random, secrets, config } = this.#deps;
    const { lane, breaker } = this.#wayOf(sheet);
    const { token, legacySecret, ...row } = sheet;
    const opened = (sealed: Buffer | null): string | null =>
      sealed === null ? null : secrets.open(sealed).toString('utf8');
    const credentials: Credentials = { token: opened(token), legacySecret: opened(legacySecret) };
    const userAgent = `Muster/${config.version} (gallery bots)`;
    const transport = this.#transportOf(sheet);
    return createTarget({
      row,
      credentials,
      transport,
      lane,
      breaker,
      clock,
      random,
      metrics: this.#metrics,
      userAgent,
      pngOf: (svg) => this.#deps.pngOf(svg),
      bounds: answerBounds(config),
    });
  }

  #transportOf(sheet: TargetSheet): Transport {
    if (sheet.kind === 'sandbox') return this.#deps.sandbox(sheet.projectId);
    return networkTransport({ outbound: this.#deps.outbound, baseUrl: sheet.baseUrl, trusted: sheet.fromEnvironment });
  }

  #wayOf(row: TargetRow): Way {
    const key = keyOf(row.projectId, row.id);
    // The gallery of this process needs no pace, only a bound.
    const bounds = { concurrency: row.concurrency, rps: row.kind === 'sandbox' ? null : row.rps };
    const way = this.#ways.get(key);
    if (way?.baseUrl === row.baseUrl) {
      way.lane.bounds = bounds;
      return way;
    }
    const made = { baseUrl: row.baseUrl, lane: new Lane(this.#deps.clock, bounds), breaker: new Breaker() };
    this.#ways.set(key, made);
    return made;
  }
}

const keyOf = (projectId: string, id: string): string => `${projectId}/${id}`;

export const noSuchTarget = (id: string): Error => notFound('no_such_target', `There is no target ${id}.`);
