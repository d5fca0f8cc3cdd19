import { type Curve, galleryLimits } from '@muster/protocol';
import { type Draws, drawsOf } from '#gallery/model';
import { zoneOf } from './zones.ts';

/*
 * When a bot thinks next: its own time runs at the speed of its curve at the local wall hour, times the share of its
 * target, and a gap of own time is drawn. Pure: the same draws give the same instant on every machine with the same zones.
 */

const hour = 3_600_000;
const day = 24 * hour;
/** How far ahead a think may lie; a slower bot thinks then all the same. */
const furthestMs = 400 * day;
const jitterShare = 0.05;
/** Thinks that were missed come within this time of now. */
export const lateSpreadMs = 30_000;

export type Rhythm = {
  curve: Curve;
  timezone: string;
  minIntervalMs: number;
  maxIntervalMs: number;
  /** Of the target, 0..1. */
  share: number;
};
export type NextThink = Rhythm & {
  from: number;
  draws: Draws;
  /** Gap after failures: × 2^failures. */
  stretch?: number;
  /** The first gap after a start is a part of one, so that a fleet that starts at once does not think at once. */
  first?: boolean;
};

/** Draws for the gap that leads to a bot's think number `thinkNo`. */
export const whenDraws = (fleetSeed: number, botId: string, thinkNo: number): Draws =>
  drawsOf(fleetSeed, botId, thinkNo, 'when');

/**
 * A gap of own time in ms: exponential with mean (min + max) / 2, cut to [min, max] by inversion. `u` is uniform in [0, 1).
 */
export function gapOf(minMs: number, maxMs: number, u: number): number {
  const mean = (minMs + maxMs) / 2;
  const least = Math.exp(-minMs / mean);
  const most = Math.exp(-maxMs / mean);
  return Math.min(maxMs, Math.max(minMs, -mean * Math.log(least - u * (least - most))));
}

/** Epoch ms, whole; `null` when the share is 0: such a bot is phased out until it moves. `RangeError` for an unknown zone. */
export function nextThinkAt({ draws, stretch = 1, first = false, ...rhythm }: NextThink): number | null {
  const gap = gapOf(rhythm.minIntervalMs, rhythm.maxIntervalMs, draws.next()) * stretch;
  const jittered = gap * (1 - jitterShare + 2 * jitterShare * draws.next());
  const at = afterOwnTime(rhythm, first ? jittered * draws.next() : jittered);
  if (at === null) return null;
  const soonest = rhythm.from + galleryLimits.thinkFloorMs;
  return Math.ceil(Math.max(at, soonest));
}

/** The instant at which `own` ms of own time have gone by since `from`; `null` when own time stands still for ever. */
export function afterOwnTime(
  { curve, timezone, share, from }: Pick<NextThink, 'curve' | 'timezone' | 'share' | 'from'>,
  own: number,
): number | null {
  if (share <= 0) return null;
  const zone = zoneOf(timezone);
  const furthest = from + furthestMs;
  let left = own;
  let time = from;
  while (time < furthest) {
    const { offset, until } = zone.spanAt(time);
    const local = time + offset;
    const hours = Math.floor(local / hour);
    const ends = Math.min((hours + 1) * hour - offset, until);
    const speed = speedAt(curve, hours) * share;
    const passes = (ends - time) * speed;
    if (speed > 0 && passes >= left) return time + left / speed;
    left -= passes;
    time = ends;
  }
  return furthest;
}

/** How much own time goes by between two instants, in ms. */
export function ownTimeBetween(
  { curve, timezone, share }: Pick<Rhythm, 'curve' | 'timezone' | 'share'>,
  from: number,
  to: number,
): number {
  const zone = zoneOf(timezone);
  let sum = 0;
  let time = from;
  while (time < to) {
    const { offset, until } = zone.spanAt(time);
    const hours = Math.floor((time + offset) / hour);
    const ends = Math.min((hours + 1) * hour - offset, until, to);
    sum += (ends - time) * speedAt(curve, hours) * share;
    time = ends;
  }
  return sum;
}

/** `null` while the bot is awake; when it is asleep by its curve, the instant at which it wakes. */
export function asleepUntil({ curve, timezone }: Pick<Rhythm, 'curve' | 'timezone'>, now: number): number | null {
  const zone = zoneOf(timezone);
  let time = now;
  // A week and the day in it that may be short or long.
  while (time < now + 8 * day) {
    const { offset, until } = zone.spanAt(time);
    const hours = Math.floor((time + offset) / hour);
    if (speedAt(curve, hours) > 0) return time === now ? null : time;
    time = Math.min((hours + 1) * hour - offset, until);
  }
  return time;
}

/** Missed thinks are not made up: a time that has passed becomes one within the next 30 s. */
export function notInThePast(at: number, now: number, draws: Draws, spreadMs: number = lateSpreadMs): number {
  return at < now ? now + Math.floor(draws.next() * spreadMs) : at;
}

/** Local hours since 1970-01-01, a Thursday; the curve's week begins on Sunday. */
function speedAt(curve: Curve, hours: number): number {
  const weekday = (Math.floor(hours / 24) + 4) % 7;
  return curve[weekday]?.[hours % 24] ?? 0;
}
