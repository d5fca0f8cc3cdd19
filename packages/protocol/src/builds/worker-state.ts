import type { TransitionTable } from '../base/machine.ts';

/**
 * What people see. Only presence (`online`, `offline`) and admission (`open`, `draining`) are stored; `busy` = online
 * without a free seat, counted from builds.
 */
export const workerStates = ['online', 'busy', 'draining', 'offline'] as const;
export type WorkerState = (typeof workerStates)[number];

export type WorkerEvent = 'call' | 'take' | 'free' | 'drain' | 'resume' | 'silent' | 'unregister' | 'remove';

export const workerTable: TransitionTable<WorkerState, WorkerEvent> = {
  online: {
    call: 'online',
    take: ['online', 'busy'],
    free: 'online',
    drain: 'draining',
    resume: 'online',
    silent: 'offline',
    unregister: 'offline',
    remove: 'offline',
  },
  busy: {
    call: 'busy',
    take: 'busy',
    free: 'online',
    drain: 'draining',
    resume: 'busy',
    silent: 'offline',
    unregister: 'offline',
    remove: 'refuse:in_use',
  },
  draining: {
    call: 'draining',
    take: 'draining',
    free: 'draining',
    drain: 'draining',
    resume: ['online', 'busy'],
    silent: 'offline',
    unregister: 'offline',
    remove: 'offline',
  },
  offline: {
    call: ['online', 'draining'],
    take: ['online', 'busy'],
    free: 'offline',
    drain: 'offline',
    resume: 'offline',
    silent: 'offline',
    unregister: 'offline',
    remove: 'offline',
  },
};
