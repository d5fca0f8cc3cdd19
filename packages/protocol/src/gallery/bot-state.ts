import type { TransitionTable } from '../base/machine.ts';

export const galleryBotStates = ['idle', 'running', 'paused', 'sleeping', 'error', 'deleted'] as const;
export type GalleryBotState = (typeof galleryBotStates)[number];

/** What people want of a bot; set by their commands only. */
export const desiredStates = ['running', 'paused', 'stopped', 'deleted'] as const;
export type DesiredState = (typeof desiredStates)[number];

/**
 * Commands of people: `start` · `pause` · `resume` · `stop` · `wake` (think now) · `delete` (soft) · `restore` · `purge`
 * (out of the tables; deprovisioned first). What happens to a bot: `provisioned` its account is there · `sleep` a limit
 * says until when · `due` that time has come · `ok` a think ended well · `fail` a think ended badly · `broken` it needs a
 * person · `retry` the pause after failures is over.
 */
export type GalleryBotEvent =
  | 'start'
  | 'pause'
  | 'resume'
  | 'stop'
  | 'wake'
  | 'delete'
  | 'restore'
  | 'purge'
  | 'provisioned'
  | 'sleep'
  | 'due'
  | 'ok'
  | 'fail'
  | 'broken'
  | 'retry';

/** Where `resume` and `start` lead: asleep when the time of its sleep is still ahead, waiting when its account went meanwhile. */
const awakeOrAsleep = ['running', 'sleeping', 'idle'] as const;

/** Where a start leads: it waits in `idle` until its account is there. */
const startedOrWaiting = ['running', 'idle'] as const;

/** The whole life of a gallery bot. A system event that leaves a state where it is came too late, or means nothing there. */
export const galleryBotMachine = {
  idle: {
    start: startedOrWaiting,
    pause: 'refuse:not_running',
    resume: 'refuse:not_paused',
    stop: 'idle',
    wake: 'refuse:not_running',
    delete: 'deleted',
    restore: 'refuse:not_deleted',
    purge: 'refuse:not_deleted',
    provisioned: ['running', 'idle'],
    sleep: 'idle',
    due: 'idle',
    ok: 'idle',
    fail: 'idle',
    broken: 'error',
    retry: 'idle',
  },
  running: {
    start: 'running',
    pause: 'paused',
    resume: 'running',
    stop: 'idle',
    wake: 'running',
    delete: 'deleted',
    restore: 'refuse:not_deleted',
    purge: 'refuse:not_deleted',
    provisioned: 'running',
    sleep: 'sleeping',
    due: 'running',
    ok: 'running',
    fail: ['running', 'error'],
    broken: 'error',
    retry: 'running',
  },
  paused: {
    start: awakeOrAsleep,
    pause: 'paused',
    resume: awakeOrAsleep,
    stop: 'idle',
    wake: 'refuse:is_paused',
    delete: 'deleted',
    restore: 'refuse:not_deleted',
    purge: 'refuse:not_deleted',
    provisioned: 'paused',
    sleep: 'paused',
    due: 'paused',
    ok: 'paused',
    fail: 'paused',
    broken: 'paused',
    retry: 'paused',
  },
  sleeping: {
    start: 'sleeping',
    pause: 'paused',
    resume: 'sleeping',
    stop: 'idle',
    wake: 'running',
    delete: 'deleted',
    restore: 'refuse:not_deleted',
    purge: 'refuse:not_deleted',
    provisioned: 'sleeping',
    sleep: 'sleeping',
    due: ['running', 'sleeping'],
    ok: 'sleeping',
    fail: 'sleeping',
    broken: 'error',
    retry: 'sleeping',
  },
  error: {
    start: startedOrWaiting,
    pause: 'paused',
    resume: startedOrWaiting,
    stop: 'idle',
    wake: startedOrWaiting,
    delete: 'deleted',
    restore: 'refuse:not_deleted',
    purge: 'refuse:not_deleted',
    provisioned: 'error',
    sleep: 'error',
    due: 'error',
    ok: 'error',
    fail: 'error',
    broken: 'error',
    retry: ['running', 'error'],
  },
  deleted: {
    start: 'refuse:is_deleted',
    pause: 'refuse:is_deleted',
    resume: 'refuse:is_deleted',
    stop: 'refuse:is_deleted',
    wake: 'refuse:is_deleted',
    delete: 'deleted',
    restore: 'idle',
    purge: 'deleted',
    provisioned: 'deleted',
    sleep: 'deleted',
    due: 'deleted',
    ok: 'deleted',
    fail: 'deleted',
    broken: 'deleted',
    retry: 'deleted',
  },
} as const satisfies TransitionTable<GalleryBotState, GalleryBotEvent>;

/** Switches above bots: one for the fleet, one for each target. */
export const gateStates = ['open', 'sleeping', 'held', 'tripped'] as const;
export type GateState = (typeof gateStates)[number];
export type Gate = { state: GateState; until: number | null; reason: string | null };

/** Provisioning of the account on the target. */
export const provisionStates = ['none', 'pending', 'done', 'failed', 'removing', 'removed'] as const;
export type ProvisionState = (typeof provisionStates)[number];
