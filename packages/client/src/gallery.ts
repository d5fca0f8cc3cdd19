import type {
  Activity,
  AskAnswer,
  BotCommand,
  BotFilter,
  BotListQuery,
  BudgetForecast,
  BulkBots,
  CloneBot,
  ClonePersona,
  Commanded,
  CreateBot,
  Exported,
  GalleryAction,
  GalleryBot,
  GalleryBudget,
  GalleryDecision,
  GalleryEvaluation,
  GalleryFleet,
  GalleryGraph,
  GalleryMemory,
  GalleryPersona,
  GalleryRelation,
  GallerySpend,
  GalleryStats,
  GalleryTask,
  GalleryThought,
  Imported,
  Page,
  PanicAnswered,
  PatchBot,
  PatchFleet,
  Persona,
  PersonaPreviewed,
  Preview,
  PreviewAnswer,
  PreviewPersona,
  Purged,
  PutBudget,
  Release,
  Replay,
  Replayed,
  Seed,
  Sim,
} from '@muster/protocol';
import type { Connection } from './base/connection.ts';
import { wait } from './base/patience.ts';
import { GallerySandbox } from './gallery-sandbox.ts';
import { GalleryTargets } from './gallery-targets.ts';
import type { Batch, FollowOptions } from './streams/follow-stream.ts';
import { Stream } from './streams/stream.ts';

type PageInput = { limit?: number; cursor?: string };
export type BotQuery = BotFilter & PageInput & Partial<Pick<BotListQuery, 'sort' | 'order'>>;
export type FeedQuery = PageInput & { persona?: string; type?: string; since?: string };
export type WindowQuery = { from?: string; to?: string };
/** As `GET /v1/gallery/minds` tells it. */
export type GalleryMind = {
  name: string;
  provider: string | null;
  model: string | null;
  kind: 'free' | 'paid';
  isDefault: boolean;
  degraded: string | null;
  price: Record<string, unknown> | null;
  lane: Record<string, unknown> | null;
  calls: number;
  lastError: { at: string; detail: string } | null;
};
export type MindTested = {
  ok: boolean;
  latencyMs: number;
  tokens: { in: number; out: number };
  costMicros: number;
  detail: string;
};
/** A new bot: what is left out comes from its persona, or is the server's to say. */
export type NewBot = Pick<CreateBot, 'name' | 'username'> & Partial<Omit<CreateBot, 'name' | 'username'>>;

const base = '/v1/gallery';
const at = (id: string): string => `${base}/bots/${encodeURIComponent(id)}`;
const personaAt = (id: string): string => `${base}/personas/${encodeURIComponent(id)}`;
const ifMatch = (version: number | undefined): { headers?: Record<string, string> } =>
  version === undefined ? {} : { headers: { 'if-match': `"${version}"` } };

/** Bots that live on an image gallery, and everything an operator does with them. */
export class Gallery {
  readonly bots: GalleryBots;
  readonly personas: GalleryPersonas;
  readonly targets: GalleryTargets;
  readonly sandbox: GallerySandbox;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.bots = new GalleryBots(connection);
    this.personas = new GalleryPersonas(connection);
    this.targets = new GalleryTargets(connection);
    this.sandbox = new GallerySandbox(connection);
  }

  fleet(): Promise<GalleryFleet> {
    return this.#connection.call('GET', `${base}/fleet`);
  }

  changeFleet(change: PatchFleet): Promise<GalleryFleet> {
    return this.#connection.call('PATCH', `${base}/fleet`, { json: change });
  }

  /** The kill switch: no act begins after the answer. */
  panic(reason: string): Promise<PanicAnswered> {
    return this.#connection.call('POST', `${base}/fleet/panic`, { json: { reason } });
  }

  release(release: Release): Promise<GalleryFleet> {
    return this.#connection.call('POST', `${base}/fleet/release`, { json: release });
  }

  /** Draws a fleet; a second call with the same words makes nothing. More than 500 are a task. */
  seed(seed: Seed): Promise<GalleryTask> {
    return this.#connection.call('POST', `${base}/seed`, { json: seed });
  }

  /** Lets a drawn fleet live some simulated hours in the sandbox. */
  sim(sim: Sim = {}): Promise<GalleryTask> {
    return this.#connection.call('POST', `${base}/sim`, { json: sim });
  }

  task(id: string, signal?: AbortSignal): Promise<GalleryTask> {
    return this.#connection.call('GET', `${base}/tasks/${encodeURIComponent(id)}`, { signal });
  }

  tasks(query: PageInput = {}): Promise<Page<GalleryTask>> {
    return this.#connection.call('GET', `${base}/tasks`, { query });
  }

  /** Waits for the end of a task; `onProgress` hears each look. One that is over or a preview comes back at once. */
  async finished(
    task: GalleryTask,
    options: { onProgress?: (task: GalleryTask) => void; signal?: AbortSignal; everyMs?: number } = {},
  ): Promise<GalleryTask> {
    const { onProgress, signal, everyMs = 250 } = options;
    let now = task;
    while (now.state === 'running' && now.id !== null) {
      onProgress?.(now);
      await wait(everyMs, signal);
      now = await this.task(now.id, signal);
    }
    onProgress?.(now);
    return now;
  }

  /** The feed, newest first. */
  activity(query: FeedQuery & { bot?: string } = {}): Promise<Page<Activity>> {
    return this.#connection.call('GET', `${base}/activity`, { query });
  }

  /** One think: why, what came of it, what the feed said. */
  thought(id: string): Promise<GalleryThought> {
    return this.#connection.call('GET', `${base}/thoughts/${encodeURIComponent(id)}`);
  }

  /** The feed of the project, or of one bot, from any point, live. */
  feed(options: FollowOptions & { bot?: string } = {}): AsyncGenerator<Batch<Activity>, void> {
    const { bot, ...rest } = options;
    const path = bot === undefined ? 'gallery/activity' : `gallery/bots/${bot}`;
    return new Stream(this.#connection, path).follow<Activity>(rest);
  }

  stats(query: WindowQuery & { by?: 'persona' | 'tier' | 'bot' | 'hour' } = {}): Promise<GalleryStats> {
    return this.#connection.call('GET', `${base}/stats`, { query });
  }

  evaluation(query: WindowQuery = {}): Promise<GalleryEvaluation> {
    return this.#connection.call('GET', `${base}/evaluation`, { query });
  }

  /** Recorded thoughts decided once more with something else; nothing is sent. */
  replay(replay: Replay): Promise<Replayed> {
    return this.#connection.call('POST', `${base}/replays`, { json: replay });
  }

  graph(query: WindowQuery = {}): Promise<GalleryGraph> {
    return this.#connection.call('GET', `${base}/graph`, { query });
  }

  /** For programs that draw graphs. */
  async graphml(query: WindowQuery = {}): Promise<string> {
    const answer = await this.#connection.send('GET', `${base}/graph`, { query: { ...query, format: 'graphml' } });
    return answer.text();
  }

  /** `fleet`, `target:<id>`, `persona:<id>`, `bot:<id>`. */
  budget(scope: string): Promise<GalleryBudget> {
    return this.#connection.call('GET', `${base}/budgets/${encodeURIComponent(scope)}`);
  }

  putBudget(scope: string, caps: PutBudget['caps']): Promise<GalleryBudget> {
    return this.#connection.call('PUT', `${base}/budgets/${encodeURIComponent(scope)}`, { json: { caps } });
  }

  forecast(): Promise<BudgetForecast> {
    return this.#connection.call('GET', `${base}/budgets/forecast`);
  }

  minds(): Promise<{ items: GalleryMind[] }> {
    return this.#connection.call('GET', `${base}/minds`);
  }

  testMind(name: string): Promise<MindTested> {
    return this.#connection.call('POST', `${base}/minds/${encodeURIComponent(name)}/test`, { json: {} });
  }

  retryAction(thoughtId: string): Promise<{ thoughtId: string }> {
    return this.#connection.call('POST', `${base}/actions/${encodeURIComponent(thoughtId)}/retry`, { json: {} });
  }

  /** Erases what all bots remember about one person. */
  forgetPerson(username: string): Promise<{ memories: number; relations: number; decisions: number }> {
    return this.#connection.call('DELETE', `${base}/people/${encodeURIComponent(username)}`);
  }
}

export class GalleryBots {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list(query: BotQuery = {}): Promise<Page<GalleryBot>> {
    return this.#connection.call('GET', `${base}/bots`, { query });
  }

  get(id: string): Promise<GalleryBot> {
    return this.#connection.call('GET', at(id));
  }

  create(bot: NewBot, idempotencyKey?: string): Promise<GalleryBot> {
    return this.#connection.call('POST', `${base}/bots`, {
      json: bot,
      ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
    });
  }

  /** `null` leaves a trait to the persona again. With `version`, refused when somebody was faster. */
  change(id: string, change: PatchBot, version?: number): Promise<GalleryBot> {
    return this.#connection.call('PATCH', at(id), { json: change, ...ifMatch(version) });
  }

  /** Soft: `restore` brings it back, `purge` makes it final. */
  delete(id: string, version?: number): Promise<Commanded> {
    return this.#connection.call('DELETE', at(id), ifMatch(version));
  }

  command(id: string, command: Exclude<BotCommand, 'delete' | 'purge'>): Promise<Commanded> {
    return this.#connection.call('POST', `${at(id)}/${command}`, { json: {} });
  }

  purge(id: string): Promise<Purged> {
    return this.#connection.call('POST', `${at(id)}/purge`, { json: {} });
  }

  clone(id: string, clone: Partial<CloneBot> = {}): Promise<GalleryBot> {
    return this.#connection.call('POST', `${at(id)}/clone`, { json: clone });
  }

  bulk(bulk: BulkBots): Promise<GalleryTask> {
    return this.#connection.call('POST', `${base}/bots/bulk`, { json: bulk });
  }

  /** What it would do next; touches nothing. */
  preview(id: string, preview: Preview = {}): Promise<PreviewAnswer> {
    return this.#connection.call('POST', `${at(id)}/preview`, { json: preview });
  }

  ask(id: string, question: string): Promise<AskAnswer> {
    return this.#connection.call('POST', `${at(id)}/ask`, { json: { question } });
  }

  activity(id: string, query: FeedQuery = {}): Promise<Page<Activity>> {
    return this.#connection.call('GET', `${at(id)}/activity`, { query });
  }

  actions(id: string, query: PageInput & { state?: GalleryAction['state'] } = {}): Promise<Page<GalleryAction>> {
    return this.#connection.call('GET', `${at(id)}/actions`, { query });
  }

  decisions(id: string, query: PageInput = {}): Promise<Page<GalleryDecision>> {
    return this.#connection.call('GET', `${at(id)}/decisions`, { query });
  }

  memory(id: string, query: PageInput = {}): Promise<Page<GalleryMemory>> {
    return this.#connection.call('GET', `${at(id)}/memory`, { query });
  }

  /** One thing, or with no id everything and everybody it knows. */
  forget(id: string, memory?: string): Promise<{ forgotten: number }> {
    const path = memory === undefined ? '' : `/${encodeURIComponent(memory)}`;
    return this.#connection.call('DELETE', `${at(id)}/memory${path}`);
  }

  relations(id: string, query: PageInput = {}): Promise<Page<GalleryRelation>> {
    return this.#connection.call('GET', `${at(id)}/relations`, { query });
  }

  spend(id: string, query: PageInput = {}): Promise<Page<GallerySpend>> {
    return this.#connection.call('GET', `${at(id)}/spend`, { query });
  }
}

export class GalleryPersonas {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list(query: PageInput = {}): Promise<Page<GalleryPersona>> {
    return this.#connection.call('GET', `${base}/personas`, { query });
  }

  get(id: string): Promise<GalleryPersona> {
    return this.#connection.call('GET', personaAt(id));
  }

  create(persona: Persona): Promise<GalleryPersona> {
    return this.#connection.call('POST', `${base}/personas`, { json: persona });
  }

  change(id: string, change: Partial<Persona>, version?: number): Promise<GalleryPersona> {
    return this.#connection.call('PATCH', personaAt(id), { json: change, ...ifMatch(version) });
  }

  /** A built-in persona is edited as its clone. */
  clone(id: string, clone: ClonePersona): Promise<GalleryPersona> {
    return this.#connection.call('POST', `${personaAt(id)}/clone`, { json: clone });
  }

  /** What its bots would show and say; the persona may be one that nobody saved. */
  preview(preview: PreviewPersona): Promise<PersonaPreviewed> {
    return this.#connection.call('POST', `${base}/personas/preview`, { json: preview });
  }

  /** Its bots move to another one, or the server refuses. */
  delete(id: string, moveTo?: string): Promise<{ id: string; moved: number }> {
    return this.#connection.call('DELETE', personaAt(id), { query: { moveTo } });
  }

  /** A document of ours or with the older keys; row by row. */
  import(document: unknown, dryRun = false): Promise<Imported> {
    return this.#connection.call('POST', `${base}/personas/import`, { json: document, query: { dryRun } });
  }

  export(ids?: readonly string[]): Promise<Exported> {
    return this.#connection.call('GET', `${base}/personas/export`, { query: { ids: ids?.join(',') } });
  }
}
