import {
  type BuildsOverview,
  consolePathOf,
  failureCodes,
  type LatestFailure,
  type LongWait,
  type NeedsPerson,
  type Resolved,
  type Sparkline,
  type ThingKind,
} from '@muster/protocol';
import { waitingOf } from './estimate-wait.ts';
import * as queries from './queries/glance.ts';
import { listBuilds } from './queries/read.ts';
import type { Room } from './room.ts';

/** A piece of the past in steps of equal length; the last one holds the present. */
export type GlanceWindow = { from: Date; stepMs: number; steps: number };
/** What the overview, the search, the first steps and the usage of a project want to know of builds. Rights are the caller's. */
export type BuildsGlance = {
  overview(projectId: string, window: GlanceWindow): Promise<Omit<BuildsOverview, 'costToday'>>;
  /** Those that wait longest, with why. */
  waits(projectId: string, limit: number): Promise<LongWait[]>;
  needsPerson(projectId: string, longest: readonly LongWait[]): Promise<NeedsPerson[]>;
  failures(projectId: string, limit: number): Promise<LatestFailure[]>;
  find(projectId: string, text: string, limit: number): Promise<Resolved[]>;
  /** `undefined` for ids of others and of nobody. */
  resolve(projectId: string, id: string): Promise<Resolved | undefined>;
  firsts(projectId: string): Promise<{ worker: boolean; build: boolean }>;
  heldTimes(projectId: string): Promise<queries.HeldTime[]>;
};

/** A build that could go to nobody for this long is for a person to look at. */
const strandedMs = 120_000;
const nobodyTakes: readonly string[] = ['no_matching_worker', 'workers_offline', 'workers_draining'];
/** Names are looked for among so many of the youngest builds. */
const searchScanMax = 10_000;

export function buildsGlance(room: Room): BuildsGlance {
  const { db } = room;
  const overview = async (projectId: string, window: GlanceWindow): Promise<Omit<BuildsOverview, 'costToday'>> => {
    const [now, steps, workers, held] = await Promise.all([
      queries.readBuildsNow(db, projectId),
      queries.readBuildSteps(db, projectId, window.from, window.stepMs),
      queries.readWorkersNow(db, projectId),
      queries.readHeldQueues(db, projectId),
    ]);
    const sparkline = sparklineOf(window, steps);
    const finished = sum(sparkline.finished);
    const failed = sum(sparkline.failed);
    return {
      running: now.running,
      waiting: now.waiting,
      oldestWaitMs: now.oldestWaitMs === null ? null : Math.max(0, Math.round(now.oldestWaitMs)),
      finished,
      failed,
      failureShare: finished === 0 ? null : failed / finished,
      sparkline,
      queuesPaused: held.length,
      workers,
    };
  };

  const waits = async (projectId: string, limit: number): Promise<LongWait[]> => {
    const ids = await queries.readLongestWaiting(db, projectId, limit);
    if (ids.length === 0) return [];
    const rows = await listBuilds(db, projectId, { states: ['queued'], idTo: `${ids.at(-1)}~` }, { limit: limit * 2 });
    const estimates = await waitingOf(room, db, rows);
    return rows
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .flatMap((row): LongWait[] => {
        const estimate = estimates.get(row.id);
        if (!estimate) return [];
        const { id, name, submittedAt } = row;
        return [
          { ...thing('build', id, name), area: 'builds', since: submittedAt.toISOString(), waiting: estimate.waiting },
        ];
      })
      .slice(0, limit);
  };

  const needsPerson = async (projectId: string, longest: readonly LongWait[]): Promise<NeedsPerson[]> => {
    const held = await queries.readHeldQueues(db, projectId);
    const now = room.clock.now();
    const stranded = longest.filter(
      ({ waiting, since }) => nobodyTakes.includes(waiting.reason) && now - Date.parse(since) > strandedMs,
    );
    const byReason = [...Map.groupBy(stranded, ({ waiting }) => waiting.reason)];
    return [
      ...byReason.map(
        ([reason, [first]]): NeedsPerson => ({
          area: 'builds',
          reason,
          severity: 'bad',
          sentence: `Builds wait that nobody can take. ${first?.waiting.detail ?? ''}`,
          since: first?.since ?? null,
          path: '/builds/queue',
        }),
      ),
      ...held.map(
        (queue): NeedsPerson => ({
          area: 'builds',
          reason: 'queue_paused',
          severity: 'warning',
          sentence: `The queue ${queue.name} is paused by ${queue.by} (${queue.reason}); ${queue.waiting} builds wait in it.`,
          since: queue.pausedAt.toISOString(),
          path: consolePathOf.queue(queue.name),
        }),
      ),
    ];
  };

  const failures = async (projectId: string, limit: number): Promise<LatestFailure[]> => {
    const rows = await queries.readLatestFailures(db, projectId, limit);
    return rows.map(({ id, name, finishedAt, failure: { code, detail, attribution } }) => ({
      ...thing('build', id, name),
      area: 'builds',
      at: finishedAt.toISOString(),
      failure: { code, detail, attribution, remedy: failureCodes[code].remedy },
    }));
  };

  const find = async (projectId: string, text: string, limit: number): Promise<Resolved[]> => {
    const byId = /^bld_[0-9a-z]+$/.test(text) ? queries.findBuildsById(db, projectId, text, limit) : [];
    const [ids, named, workers, queues] = await Promise.all([
      byId,
      listBuilds(db, projectId, { q: text }, { limit, scanMax: searchScanMax }),
      queries.findWorkers(db, projectId, text, limit),
      queries.findQueues(db, projectId, text, limit),
    ]);
    const seen = new Set(ids.map(({ id }) => id));
    return [
      ...ids.map((row) => resolved('build', row)),
      ...named.filter(({ id }) => !seen.has(id)).map((row) => resolved('build', row)),
      ...workers.map((row) => resolved('worker', row)),
      ...queues.map((row) => resolved('queue', row)),
    ];
  };

  const resolve = async (projectId: string, id: string): Promise<Resolved | undefined> => {
    if (/^(art|dgr)_/.test(id)) {
      const owner = await queries.findOwner(db, projectId, id);
      return owner && resolve(projectId, owner.id);
    }
    const kind = id.startsWith('bld_') ? 'build' : id.startsWith('wrk_') ? 'worker' : undefined;
    if (!kind) return undefined;
    const look = kind === 'build' ? queries.findBuildsById : queries.findWorkers;
    const row = (await look(db, projectId, id, 2)).find((each) => each.id === id);
    return row && resolved(kind, row);
  };

  return {
    overview,
    waits,
    needsPerson,
    failures,
    find,
    resolve,
    firsts: (projectId) => queries.readBuildFirsts(db, projectId),
    heldTimes: (projectId) => queries.readHeldTimes(db, projectId),
  };
}

const thing = (kind: ThingKind, id: string, name: string | null) => ({ kind, id, name, path: consolePathOf[kind](id) });

const apiOf = { build: '/v1/builds/', worker: '/v1/workers/', queue: null } as const;
const resolved = (
  kind: keyof typeof apiOf,
  { id, name, state }: { id: string; name: string | null; state: string },
): Resolved => ({
  ...thing(kind, id, name),
  area: 'builds',
  api: apiOf[kind] === null ? null : `${apiOf[kind]}${encodeURIComponent(id)}`,
  state,
});

function sparklineOf({ from, stepMs, steps }: GlanceWindow, counts: readonly queries.StepCounts[]): Sparkline {
  const column = (read: (counts: queries.StepCounts) => number): number[] => {
    const numbers = Array.from({ length: steps }, () => 0);
    for (const each of counts) if (each.step >= 0 && each.step < steps) numbers[each.step] = read(each);
    return numbers;
  };
  return {
    from: from.toISOString(),
    stepMs,
    started: column((each) => each.started),
    finished: column((each) => each.finished),
    failed: column((each) => each.failed),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
