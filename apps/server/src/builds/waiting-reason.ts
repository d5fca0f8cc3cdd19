import type { Waiting } from '@muster/protocol';
import {
  type KeyHolder,
  positionMax,
  type QueuedLine,
  type RunTimes,
  samplesMin,
  type WorkerLine,
} from './queries/waiting.ts';

/* Why a build waits and for how long, from plain facts. No I/O; estimate-wait.ts brings the facts. */

export type Need = Pick<QueuedLine, 'platform' | 'requires'>;
export type Estimate = { waiting: Waiting; position: number | null; etaMs: number | null };

/** Pops of the seat list; whoever stands further back gets the pace of these. */
const popsMax = 1_000;

const offersPlatform = (worker: WorkerLine, platform: string): boolean =>
  (platform === 'any' && worker.kind !== 'legacy') || worker.platforms.includes(platform);

export const canTake = (worker: WorkerLine, need: Need): boolean =>
  offersPlatform(worker, need.platform) &&
  Object.entries(need.requires).every(([label, value]) => worker.labels[label] === value);

export const takesNow = (worker: WorkerLine): boolean => worker.state === 'online' && worker.admission === 'open';
export const freeSeats = (worker: WorkerLine): number => Math.max(0, worker.seats - worker.elapsedMs.length);

export function explain(
  line: QueuedLine,
  facts: {
    position: number;
    workers: readonly WorkerLine[];
    holders: readonly KeyHolder[];
    runs: RunTimes | undefined;
  },
): Estimate {
  const matching = facts.workers.filter((worker) => canTake(worker, line));
  const eta = line.pausedAt ? null : etaMs(facts.position, matching, facts.runs);
  const reached = eta === null ? null : Math.max(eta, Math.round(line.eligibleInMs));
  const waiting = {
    ...reasonOf(line, facts, matching),
    position: facts.position,
    etaMs: reached,
  };
  return { waiting, position: facts.position, etaMs: reached };
}

type Reason = Pick<Waiting, 'reason' | 'detail' | 'since' | 'resumesAt'>;

function reasonOf(
  line: QueuedLine,
  { position, workers, holders }: { position: number; workers: readonly WorkerLine[]; holders: readonly KeyHolder[] },
  matching: readonly WorkerLine[],
): Reason {
  const since = line.submittedAt.toISOString();
  if (line.pausedAt) return pausedReason(line, line.pausedAt);
  if (line.eligibleInMs > 0 && line.waitCause) {
    const resumesAt = line.eligibleAt.toISOString();
    const detail =
      line.waitCause === 'backoff'
        ? `The attempt before was lost; the build is in line again at ${resumesAt}.`
        : `The submitter asked that it starts not before ${resumesAt}.`;
    return { reason: line.waitCause, detail, since, resumesAt };
  }
  if (line.ckey !== null && holders.length >= (line.keyLimit ?? 1)) {
    const who = holders.slice(0, 3).map((holder) => holder.id);
    const more = holders.length > who.length ? ` and ${holders.length - who.length} more` : '';
    const detail = `The concurrency key "${line.ckey}" is held by ${who.join(', ')}${more} (limit ${line.keyLimit ?? 1}).`;
    return { reason: 'key_busy', detail, since };
  }
  if (matching.length === 0) return { reason: 'no_matching_worker', detail: missing(line, workers), since };
  const online = matching.filter((worker) => worker.state === 'online');
  const last = matching.reduce((latest, worker) => (worker.lastSeenAt > latest.lastSeenAt ? worker : latest));
  if (online.length === 0) {
    const detail = `${count(matching.length, 'worker')} could take it and none is online; ${last.name} was seen last, at ${last.lastSeenAt.toISOString()}.`;
    return { reason: 'workers_offline', detail, since };
  }
  const open = online.filter(takesNow);
  if (open.length === 0) {
    const detail = `${count(online.length, 'worker')} could take it and all of them are draining.`;
    return { reason: 'workers_draining', detail, since };
  }
  const free = open.reduce((sum, worker) => sum + freeSeats(worker), 0);
  if (free === 0 && position === 0) {
    const detail = `It is next; ${open.length === 1 ? `the only matching worker, ${open[0]?.name ?? ''}, is` : `all ${open.length} matching workers are`} busy.`;
    return { reason: 'workers_busy', detail, since };
  }
  const ahead =
    position === 0 ? 'It is next' : `${atMost(position)} of the same kind ${position === 1 ? 'is' : 'are'} before it`;
  const detail = `${ahead}; ${count(open.length, 'matching worker')} online, ${count(free, 'free seat')}.`;
  return { reason: 'in_line', detail, since };
}

function pausedReason(line: QueuedLine, pausedAt: Date): Reason {
  const until = line.resumesAt ? ` It goes on at ${line.resumesAt.toISOString()}.` : '';
  return {
    reason: 'queue_paused',
    detail: `The queue ${line.queue} was paused by ${line.pausedBy ?? 'somebody'}: ${line.pauseReason ?? 'no reason given'}.${until}`,
    since: (pausedAt > line.submittedAt ? pausedAt : line.submittedAt).toISOString(),
    ...(line.resumesAt ? { resumesAt: line.resumesAt.toISOString() } : {}),
  };
}

/** Names what no worker has: the platform, a label, or the labels together. */
function missing(need: Need, workers: readonly WorkerLine[]): string {
  if (workers.length === 0) return 'No worker is registered in this project.';
  const onPlatform = workers.filter((worker) => offersPlatform(worker, need.platform));
  if (onPlatform.length === 0) return `No worker offers the platform ${need.platform}.`;
  const kind = need.platform === 'any' ? 'worker' : `worker with platform ${need.platform}`;
  const labels = Object.entries(need.requires);
  const absent = labels.filter(([label, value]) => onPlatform.every((worker) => worker.labels[label] !== value));
  const named = (list: [string, string][]): string => list.map(([label, value]) => `${label}=${value}`).join(', ');
  if (absent.length > 0) return `No ${kind} has the label ${named(absent)}.`;
  return `No ${kind} has all of the labels ${named(labels)}.`;
}

/**
 * When the build at `position` starts: the seats that match, each with the time until it is free, are taken one after
 * the other by those ahead, each for a median run. Null with too few runs to know a median, or nobody online.
 */
export function etaMs(position: number, matching: readonly WorkerLine[], runs: RunTimes | undefined): number | null {
  const median = runs && runs.samples >= samplesMin ? runs.p50 : null;
  const open = matching.filter(takesNow);
  if (median === null || open.length === 0) return null;
  const seats = open
    .flatMap((worker) => [
      ...worker.elapsedMs.map((elapsed) => Math.max(median - elapsed, median / 10)),
      ...Array.from({ length: freeSeats(worker) }, () => 0),
    ])
    .sort((a, b) => a - b);
  const pops = Math.min(position + 1, popsMax);
  let free = 0;
  for (let i = 0; i < pops; i++) {
    free = seats.shift() ?? 0;
    insertSorted(seats, free + median);
  }
  return Math.round((free * (position + 1)) / pops);
}

function insertSorted(list: number[], value: number): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, value);
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const atMost = (position: number): string =>
  position >= positionMax ? `${positionMax} builds or more` : count(position, 'build');
