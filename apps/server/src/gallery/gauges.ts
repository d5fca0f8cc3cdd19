import { fleetCapDefaults, fleetScope, targetCapDefaults, targetScope } from '#gallery/minds';
import { nearDuplicateRate } from '#gallery/text';
import { asError, type Service } from '#kernel/base';
import type { LabelSet, Metrics } from '#kernel/telemetry';
import { countStates, lowestShares, readTargets } from './queries/fleet.ts';
import { readSaid } from './queries/measures.ts';
import { galleryProjects } from './queries/records.ts';
import type { Room } from './room.ts';

const everyMs = 60_000;
const hourMs = 3_600_000;
/** More projects than this are not looked through each minute; the first by id stand for all. */
const projectsMax = 50;
const textsMax = 300;

type Seen = {
  states: Readonly<Record<string, number>>;
  shares: ReadonlyMap<string, number>;
  /** By scope and meter, the fullest of all projects. */
  used: ReadonlyMap<string, { scope: string; meter: string; ratio: number }>;
  duplicates: number | null;
};

/** What metrics and health say of rows: looked up once a minute, so that nobody who reads them waits for a table. */
export class Gauges implements Service {
  seen: Seen = { states: {}, shares: new Map(), used: new Map(), duplicates: null };
  readonly #room: () => Pick<Room, 'db' | 'budgets' | 'clock' | 'realClock' | 'telemetry'>;
  #again: Disposable | undefined;
  #looking: Promise<void> | undefined;
  #running = false;

  constructor(metrics: Metrics, room: () => Pick<Room, 'db' | 'budgets' | 'clock' | 'realClock' | 'telemetry'>) {
    this.#room = room;
    const target = { target: { max: 100 } } satisfies LabelSet;
    metrics.gauge({
      name: 'muster_gallery_share',
      help: 'The part of their full rate at which bots act on a target; the lowest where projects share its name.',
      labels: target,
      collect: (gauge) => {
        for (const [id, share] of this.seen.shares) gauge.set({ target: id }, share);
      },
    });
    metrics.gauge({
      name: 'muster_gallery_budget_used_ratio',
      help: 'How much of a cap of fleet or target is spent or reserved in its present period; the fullest of all projects.',
      labels: { scope: { max: 101 }, meter: { max: 20 } },
      collect: (gauge) => {
        for (const { scope, meter, ratio } of this.seen.used.values()) gauge.set({ scope, meter }, ratio);
      },
    });
    metrics.gauge({
      name: 'muster_gallery_duplicate_ratio',
      help: 'Of the newest texts of the last hour, the share that is nearly the same as another of them.',
      collect: (gauge) => {
        if (this.seen.duplicates !== null) gauge.set({}, this.seen.duplicates);
      },
    });
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#again?.[Symbol.dispose]();
    await this.#looking;
  }

  #look(): void {
    this.#looking = this.#read()
      .catch((error: unknown) =>
        this.#room().telemetry.logger.warn(
          { error: asError(error) },
          'the gallery could not be counted for its gauges',
        ),
      )
      .finally(() => {
        if (this.#running) this.#again = this.#room().realClock.after(everyMs, () => this.#look());
      });
  }

  async #read(): Promise<void> {
    const { db, budgets, clock } = this.#room();
    const now = clock.now();
    const states = Object.fromEntries((await countStates(db)).map(({ state, bots }) => [state, bots]));
    const shares = new Map((await lowestShares(db)).map(({ id, share }) => [id, share]));
    const used = new Map<string, { scope: string; meter: string; ratio: number }>();
    const said: string[] = [];
    for (const projectId of (await galleryProjects(db)).slice(0, projectsMax)) {
      const targets = await readTargets(db, projectId);
      const lines = await budgets.forecast(db, projectId, now, [
        { scope: fleetScope, caps: fleetCapDefaults },
        ...targets.map(({ id, kind }) => ({ scope: targetScope(id), caps: targetCapDefaults[kind] })),
      ]);
      for (const { scope, measure, cap, spent, reserved } of lines) {
        // Bots and personas are too many for labels; their own pages say it.
        if (cap === null || (scope !== fleetScope && !scope.startsWith(targetScope('')))) continue;
        const key = `${scope} ${measure}`;
        const ratio = cap === 0 ? 1 : (spent + reserved) / cap;
        if (ratio >= (used.get(key)?.ratio ?? 0)) used.set(key, { scope, meter: measure, ratio });
      }
      if (said.length >= textsMax) continue;
      const window = { projectId, from: new Date(now - hourMs), to: new Date(now) };
      said.push(...(await readSaid(db, window, textsMax)).map(({ content }) => content));
    }
    const texts = said.filter((text) => text !== '').slice(0, textsMax);
    this.seen = { states, shares, used, duplicates: texts.length === 0 ? null : nearDuplicateRate(texts) };
  }
}
