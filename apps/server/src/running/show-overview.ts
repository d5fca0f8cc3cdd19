import {
  type LatestFailure,
  type LongWait,
  type NeedsPerson,
  type Overview,
  type OverviewWindow,
  sampleMetrics,
  stateOfSample,
} from '@muster/protocol';
import { isInstallation, type Principal } from '#kernel/auth';
import type { Clock } from '#kernel/base';
import type { RunningDeps, StepWindow } from './deps.ts';
import { runningLimits } from './limits.ts';
import { maySee } from './rights.ts';
import type { Sampler } from './sampler.ts';

const minute = 60_000;
const stepsOf: Readonly<Record<OverviewWindow, { stepMs: number; steps: number }>> = {
  '15m': { stepMs: 15_000, steps: 60 },
  '1h': { stepMs: minute, steps: 60 },
  '24h': { stepMs: 20 * minute, steps: 72 },
  '7d': { stepMs: 180 * minute, steps: 56 },
};

/** Steps begin at whole multiples, so that a chart does not tremble from one look to the next. */
export function windowAt(now: number, name: OverviewWindow): StepWindow {
  const { stepMs, steps } = stepsOf[name];
  return { from: new Date((Math.floor(now / stepMs) - steps + 1) * stepMs), stepMs, steps };
}

type Asked = { window: OverviewWindow; tz: string };
type Room = RunningDeps & { sampler: Pick<Sampler, 'last'> };

/**
 * The first screen: what runs, what waits and why, what failed, what it cost, what needs a person. What many look at at once is
 * asked once: an answer stands for a thirtieth of its step, two seconds at least.
 */
export class Overviews {
  readonly #room: Room;
  readonly #kept = new Map<string, { until: number; answer: Promise<Overview> }>();

  constructor(room: Room) {
    this.#room = room;
  }

  show(who: Principal, asked: Asked): Promise<Overview> {
    const sees = ['builds:read', 'gallery:read', 'streams:read'].map((scope) => maySee(who, scope as 'builds:read'));
    const key = JSON.stringify([who.projectId, asked, sees, isInstallation(who)]);
    const now = this.#room.clock.monotonic();
    for (const [old, { until }] of this.#kept) if (until <= now) this.#kept.delete(old);
    const kept = this.#kept.get(key);
    if (kept) return kept.answer;
    const answer = this.#make(who, asked);
    this.#kept.set(key, { until: now + Math.max(2_000, stepsOf[asked.window].stepMs / 30), answer });
    answer.catch(() => this.#kept.delete(key));
    return answer;
  }

  async #make(who: Principal, { window, tz }: Asked): Promise<Overview> {
    const { builds, gallery, clock } = this.#room;
    const { projectId } = who;
    const steps = windowAt(clock.now(), window);
    const seesBuilds = maySee(who, 'builds:read');
    const seesGallery = maySee(who, 'gallery:read');
    const { shortList } = runningLimits;
    const [cost, ofBuilds, ofGallery, waits, failed, acts] = await Promise.all([
      this.#room.costToday(projectId, tz),
      seesBuilds ? builds.overview(projectId, steps) : undefined,
      seesGallery ? gallery.overview(projectId, steps) : undefined,
      seesBuilds ? builds.waits(projectId, shortList) : [],
      seesBuilds ? builds.failures(projectId, shortList) : [],
      seesGallery ? gallery.failures(projectId, shortList) : [],
    ]);
    const needs = await Promise.all([
      seesBuilds ? builds.needsPerson(projectId, waits) : [],
      seesGallery ? gallery.needsPerson(projectId, []) : [],
    ]);
    return {
      at: new Date(clock.now()).toISOString(),
      demo: this.#room.demo,
      window,
      ...(ofBuilds ? { builds: { ...ofBuilds, costToday: cost.builds } } : {}),
      ...(ofGallery ? { gallery: { ...ofGallery, costToday: cost.gallery } } : {}),
      ...(maySee(who, 'streams:read') ? { streams: this.#streams() } : {}),
      costToday: cost.total,
      costYesterday: cost.yesterday,
      needsPerson: mostUrgent([...needs.flat(), ...(isInstallation(who) ? this.#ofMachine(clock) : [])]),
      waiting: byTime(waits, ({ since }) => since).slice(0, shortList),
      failures: byTime<LatestFailure>([...failed, ...acts], ({ at }) => at)
        .toReversed()
        .slice(0, shortList),
    };
  }

  #streams(): NonNullable<Overview['streams']> {
    const { followers, logAppends, logAckMsP99 } = this.#room.sampler.last();
    return { followers: followers ?? 0, appendsPerSecond: logAppends ?? 0, ackMsP99: logAckMsP99 };
  }

  /** Numbers of this node that crossed their second threshold, and parts in trouble. */
  #ofMachine(clock: Clock): NeedsPerson[] {
    const sample = this.#room.sampler.last();
    const names = Object.keys(sampleMetrics) as (keyof typeof sampleMetrics)[];
    const at = new Date(clock.now()).toISOString();
    return [
      ...names
        .filter((name) => stateOfSample(name, sample[name]) === 'bad')
        .map(
          (name): NeedsPerson => ({
            area: 'system',
            reason: 'threshold_crossed',
            severity: 'bad',
            sentence: `${name} is ${sample[name]}. ${sampleMetrics[name].whatToDo}`,
            since: at,
            path: `/system?metric=${name}`,
          }),
        ),
      ...this.#room
        .parts()
        .filter(({ state }) => state === 'bad')
        .map(
          ({ name, detail, whatToDo }): NeedsPerson => ({
            area: 'system',
            reason: 'part_in_trouble',
            severity: 'bad',
            sentence: `${name}: ${detail}${whatToDo === null ? '' : ` ${whatToDo}`}`,
            since: null,
            path: '/system',
          }),
        ),
    ];
  }
}

const byTime = <T extends LongWait | LatestFailure>(list: readonly T[], read: (item: T) => string): T[] =>
  list.toSorted((a, b) => (read(a) < read(b) ? -1 : 1));

const mostUrgent = (needs: readonly NeedsPerson[]): NeedsPerson[] =>
  needs
    .toSorted((a, b) => Number(b.severity === 'bad') - Number(a.severity === 'bad'))
    .slice(0, runningLimits.needsPersonMax);
