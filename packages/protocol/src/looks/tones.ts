/*
 * How each state looks. Six tones carry every state of every kind; the word of the state is always shown beside them.
 * No zod here: the console loads this table at run time.
 */
import type { BuildState } from '../builds/build-state.ts';
import type { WorkerState } from '../builds/worker-state.ts';
import type { GalleryBotState, GateState, ProvisionState } from '../gallery/bot-state.ts';
import type { JobState } from '../running/job-states.ts';
import type { SubscriptionState, SubscriptionStatus } from '../streams/subscription-state.ts';

export const tones = ['waiting', 'live', 'done', 'warn', 'failed', 'off'] as const;
export type Tone = (typeof tones)[number];

/** `starting`: it has its place and has not begun (drawn hatched). `lost`: nobody knows how it ended (drawn dashed). */
export type Look = { tone: Tone; mark?: 'starting' | 'lost' };

const waiting: Look = { tone: 'waiting' };
const live: Look = { tone: 'live' };
const starting: Look = { tone: 'live', mark: 'starting' };
const done: Look = { tone: 'done' };
const warn: Look = { tone: 'warn' };
const failed: Look = { tone: 'failed' };
const lost: Look = { tone: 'failed', mark: 'lost' };
const off: Look = { tone: 'off' };

const build: Readonly<Record<BuildState, Look>> = {
  queued: waiting,
  assigned: starting,
  running: live,
  cancelling: warn,
  succeeded: done,
  failed,
  cancelled: off,
};

const worker: Readonly<Record<WorkerState, Look>> = { online: done, busy: live, draining: warn, offline: off };

const galleryBot: Readonly<Record<GalleryBotState, Look>> = {
  idle: off,
  running: live,
  paused: off,
  sleeping: waiting,
  error: failed,
  deleted: off,
};

const gate: Readonly<Record<GateState, Look>> = { open: done, sleeping: waiting, held: warn, tripped: failed };

const provision: Readonly<Record<ProvisionState, Look>> = {
  none: off,
  pending: waiting,
  done,
  failed,
  removing: warn,
  removed: off,
};

const subscription: Readonly<Record<SubscriptionState | SubscriptionStatus, Look>> = {
  idle: off,
  waking: waiting,
  leased: live,
  active: live,
  failed,
};

const job: Readonly<Record<JobState, Look>> = {
  waiting,
  ready: waiting,
  running: live,
  done,
  cancelled: off,
  failed,
};

const looks = {
  build,
  worker,
  attempt: {
    held: live,
    ended: off,
    succeeded: done,
    failed,
    cancelled: off,
    lost,
    abandoned: lost,
  },
  upload: { open: live, complete: done, used: off },
  bulk: { preview: waiting, running: live, done, failed },
  stream: { open: live, closed: off, deleted: off },
  subscription,
  galleryBot,
  gate,
  provision,
  galleryAction: { open: live, done, failed, dropped: off },
  budget: { ok: done, near: warn, reached: failed, paused: off },
  job,
  /** Parts of a running server. */
  part: { ok: done, warning: warn, bad: failed, unknown: off },
  /** One check of a worker's diagnostics, and all of them together. */
  check: { pass: done, warn, fail: failed, healthy: done, warning: warn, critical: failed },
  key: { active: done, expiring: warn, expired: off, revoked: off },
  person: { active: done, invited: waiting, disabled: off },
  project: { active: done, archived: off },
} as const satisfies Record<string, Readonly<Record<string, Look>>>;

/** A kind of thing that has states. */
export type StateKind = keyof typeof looks;

/** The look of a state; one that this version does not know is `off`. */
export function lookOf(kind: StateKind, state: string): Look {
  const table: Readonly<Record<string, Look>> = looks[kind];
  return Object.hasOwn(table, state) ? (table[state] ?? off) : off;
}

export const toneOf = (kind: StateKind, state: string): Tone => lookOf(kind, state).tone;
