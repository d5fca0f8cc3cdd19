/* No schemas here. */

export const jobStates = ['waiting', 'ready', 'running', 'done', 'cancelled', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

/** What each action is accepted in; the server decides again. */
export const jobActions = {
  cancel: ['waiting', 'ready', 'running'],
  snooze: ['waiting', 'ready'],
  retry: ['failed'],
  retryNow: ['waiting'],
} as const satisfies Record<string, readonly JobState[]>;
export type JobAction = keyof typeof jobActions;
