/* Why a build waits, failed or stopped, in words that stay. No schemas here: the console uses this in the browser. */

export const waitingReasons = [
  'in_line',
  'no_matching_worker',
  'workers_busy',
  'workers_draining',
  'workers_offline',
  'queue_paused',
  'key_busy',
  'backoff',
  'not_before',
] as const;
export type WaitingReason = (typeof waitingReasons)[number];

export const attributions = ['user', 'host', 'system'] as const;
export type Attribution = (typeof attributions)[number];

/** Each failure code: who caused it, and what a person does next. `docs/operate/troubleshooting.md` has a section each. */
export const failureCodes = {
  command_failed: {
    attribution: 'user',
    remedy: 'Read the last lines of the log; the command itself ended with an error.',
  },
  timed_out: { attribution: 'user', remedy: 'Raise maxRunMs, or find in the log where the build spends its time.' },
  source_unsafe: {
    attribution: 'user',
    remedy: 'Pack the source again without absolute names, "..", outside links or devices.',
  },
  source_corrupt: {
    attribution: 'user',
    remedy: 'Pack the source again and submit it; the archive could not be read.',
  },
  certs_missing: { attribution: 'user', remedy: 'Submit the build with its credential bundle.' },
  certs_invalid: {
    attribution: 'user',
    remedy: 'Make the bundle again: one .p12, password.txt and the provisioning profiles.',
  },
  artifact_missing: {
    attribution: 'user',
    remedy: 'Check that the build writes the files which the artifact patterns name.',
  },
  artifact_too_large: {
    attribution: 'user',
    remedy: 'Make the artifact smaller, or have an operator raise the limit.',
  },
  command_not_allowed: {
    attribution: 'user',
    remedy: 'Use a task that the worker offers, or start the worker with --allow-build-command.',
  },
  queue_expired: { attribution: 'user', remedy: 'Raise queueDeadlineMs, or add workers that match.' },
  lease_lost: { attribution: 'host', remedy: 'Look at the worker: it went silent while it held the build.' },
  worker_abandoned: { attribution: 'host', remedy: 'The worker gave the build back; its log says why.' },
  worker_disk_full: { attribution: 'host', remedy: 'Free disk space on the worker.' },
  worker_error: { attribution: 'host', remedy: 'Look at the worker; it failed outside the build’s own command.' },
  worker_reported: { attribution: 'user', remedy: 'Read the message and the log; the worker gave no finer reason.' },
  source_gone: { attribution: 'system', remedy: 'Submit the source again; its stored copy is missing.' },
  secrets_unreadable: { attribution: 'system', remedy: 'Restore MUSTER_SECRET, or submit the secrets again.' },
  storage_error: { attribution: 'system', remedy: 'Check the server’s disk; writing or reading a file failed.' },
} as const satisfies Record<string, { attribution: Attribution; remedy: string }>;
export type FailureCode = keyof typeof failureCodes;

export const stopReasons = ['user', 'superseded', 'timed_out', 'client_gone', 'bulk'] as const;
export type StopReason = (typeof stopReasons)[number];
