import {
  consolePathOf,
  type GalleryOverview,
  galleryFailures,
  type LatestFailure,
  type NeedsPerson,
  type Resolved,
  type Sparkline,
} from '@muster/protocol';
import { fleetCapDefaults, fleetScope } from '#gallery/minds';
import { systemPrincipal } from '#kernel/auth';
import * as queries from './queries/glance.ts';
import type { Room } from './room.ts';
import { showFleet } from './show-fleet.ts';

/** A piece of the past in steps of equal length; the last one holds the present. */
type GlanceWindow = { from: Date; stepMs: number; steps: number };
/** What the overview, the search and the first steps of a project want to know of its gallery. Rights are the caller's. */
export type GalleryGlance = {
  overview(projectId: string, window: GlanceWindow): Promise<Omit<GalleryOverview, 'costToday'>>;
  needsPerson(projectId: string): Promise<NeedsPerson[]>;
  failures(projectId: string, limit: number): Promise<LatestFailure[]>;
  find(projectId: string, text: string, limit: number): Promise<Resolved[]>;
  /** `undefined` for ids of others and of nobody. */
  resolve(projectId: string, id: string): Promise<Resolved | undefined>;
  hasBot(projectId: string): Promise<boolean>;
};

const minuteMs = 60_000;

export function galleryGlance(room: Room): GalleryGlance {
  const { db } = room;
  const budgetShare = async (projectId: string): Promise<number | null> => {
    const lines = await room.budgets.show(db, projectId, fleetScope, room.clock.now(), fleetCapDefaults);
    const shares = lines.flatMap(({ cap, spent, reserved }) =>
      cap === null || cap === 0 ? [] : [(spent + reserved) / cap],
    );
    return shares.length === 0 ? null : Math.max(...shares);
  };

  const overview = async (projectId: string, window: GlanceWindow): Promise<Omit<GalleryOverview, 'costToday'>> => {
    const now = room.clock.now();
    const [fleet, steps, acts, share] = await Promise.all([
      showFleet(room, systemPrincipal(projectId)),
      queries.readActSteps(db, projectId, window.from, window.stepMs),
      queries.readActsSince(db, projectId, new Date(now - minuteMs)),
      budgetShare(projectId),
    ]);
    const sparkline = sparklineOf(window, steps);
    const finished = sum(sparkline.finished);
    const failed = sum(sparkline.failed);
    return {
      running: fleet.states.running,
      waiting: sum(Object.values(fleet.waiting)),
      oldestWaitMs: null,
      finished,
      failed,
      failureShare: finished === 0 ? null : failed / finished,
      sparkline,
      bots: fleet.bots,
      sleeping: fleet.states.sleeping,
      paused: fleet.states.paused,
      error: fleet.states.error,
      actsPerMinute: acts,
      budgetShare: share,
      gate: fleet.gate.state,
      mind: { name: fleet.mind.name, degraded: fleet.mind.degraded, offline: fleet.mind.offline },
    };
  };

  const needsPerson = async (projectId: string): Promise<NeedsPerson[]> => {
    const [fleet, share] = await Promise.all([showFleet(room, systemPrincipal(projectId)), budgetShare(projectId)]);
    const shut = fleet.targets.filter(({ gate }) => gate.state === 'held' || gate.state === 'tripped');
    const { panic, mind, states, waiting } = fleet;
    const strangers = waiting['target_not_acknowledged'] ?? 0;
    const said: (Omit<NeedsPerson, 'area'> | undefined)[] = [
      panic
        ? {
            reason: 'panic',
            severity: 'bad',
            sentence: `All bots are stopped by ${panic.by}: ${panic.reason}`,
            since: panic.at,
            path: '/gallery',
          }
        : undefined,
      ...shut.map(({ id, gate }) => ({
        reason: gate.state === 'held' ? 'target_held' : 'target_tripped',
        severity: 'bad' as const,
        sentence: `The target ${id} is ${gate.state}${gate.reason === null ? '' : `: ${gate.reason}`}.`,
        since: null,
        path: consolePathOf.target(id),
      })),
      strangers > 0
        ? {
            reason: 'target_not_acknowledged',
            severity: 'warning',
            sentence: `${strangers} bots wait for somebody to acknowledge their target.`,
            since: null,
            path: '/gallery/targets',
          }
        : undefined,
      mind.degraded === null
        ? undefined
        : {
            reason: 'mind_degraded',
            severity: 'warning',
            sentence: `The mind ${mind.name} is replaced for now: ${mind.degraded}.`,
            since: null,
            path: '/gallery/minds',
          },
      states.error > 0
        ? {
            reason: 'bots_failed',
            severity: 'warning',
            sentence: `${states.error} bots rest after failures.`,
            since: null,
            path: '/gallery/bots?state=error',
          }
        : undefined,
      share !== null && share >= 1
        ? {
            reason: 'budget_reached',
            severity: 'bad',
            sentence: 'A budget of the fleet is used up; its bots wait for the next period.',
            since: null,
            path: '/gallery/budgets',
          }
        : undefined,
    ];
    return said.flatMap((need) => (need === undefined ? [] : [{ area: 'gallery' as const, ...need }]));
  };

  const failures = async (projectId: string, limit: number): Promise<LatestFailure[]> => {
    const rows = await queries.readLatestFailedActs(db, projectId, limit);
    return rows.map(({ botId, botName, kind, outcome, at }): LatestFailure => {
      const code = Object.entries(galleryFailures).find(([known]) => known === outcome);
      return {
        kind: 'galleryBot',
        id: botId,
        name: botName,
        path: consolePathOf.galleryBot(botId),
        area: 'gallery',
        at: at.toISOString(),
        failure: {
          code: outcome ?? 'internal',
          detail: `A ${kind} of ${botName} failed: ${outcome ?? 'internal'}.`,
          attribution: code?.[1] ?? 'system',
          remedy: 'Open the bot: its last thoughts say what the target answered.',
        },
      };
    });
  };

  const find = async (projectId: string, text: string, limit: number): Promise<Resolved[]> =>
    (await queries.findInGallery(db, projectId, text, limit)).map(resolved);

  const resolve = async (projectId: string, id: string): Promise<Resolved | undefined> => {
    if (id.startsWith('gbt_')) {
      const row = (await queries.findInGallery(db, projectId, id, 2)).find((each) => each.id === id);
      return row && resolved(row);
    }
    if (!id.startsWith('act_')) return undefined;
    const told = await queries.findTold(db, projectId, id);
    if (!told) return undefined;
    const thoughtId = told.thoughtId ?? id;
    return {
      kind: 'galleryAction',
      id,
      name: told.botName,
      path: consolePathOf.galleryAction(thoughtId),
      area: 'gallery',
      api: told.botId === null ? null : `/v1/gallery/bots/${told.botId}`,
      state: null,
    };
  };

  return {
    overview,
    needsPerson,
    failures,
    find,
    resolve,
    hasBot: (projectId) => queries.hasBot(db, projectId),
  };
}

const apiOf = {
  galleryBot: '/v1/gallery/bots/',
  persona: '/v1/gallery/personas/',
  target: '/v1/gallery/targets/',
} as const;
const resolved = ({ kind, id, name, state }: queries.Named): Resolved => ({
  kind,
  id,
  name,
  path: consolePathOf[kind](id),
  area: 'gallery',
  api: `${apiOf[kind]}${encodeURIComponent(id)}`,
  state,
});

function sparklineOf({ from, stepMs, steps }: GlanceWindow, counts: readonly queries.ActSteps[]): Sparkline {
  const column = (read: (counts: queries.ActSteps) => number): number[] => {
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
