import { type MusterError, unavailable } from '#kernel/base';

/** Everything that can keep the embedded Postgres from running has one of these words, and a page about it. */
export type RefusalReason =
  | 'postgres_missing'
  | 'postgres_user_missing'
  | 'postgres_user_unnamed'
  | 'postgres_unreachable_folder'
  | 'postgres_cluster_missing'
  | 'postgres_version_mismatch'
  | 'postgres_not_durable'
  | 'postgres_musl'
  | 'postgres_noexec'
  | 'postgres_library_missing'
  | 'postgres_disk_full'
  | 'postgres_disk_read_only'
  | 'postgres_no_rights'
  | 'postgres_shared_memory'
  | 'postgres_no_loopback'
  | 'postgres_foreign_server'
  | 'postgres_still_running'
  | 'postgres_init_failed'
  | 'postgres_start_failed'
  | 'postgres_start_timeout'
  | 'database_choice_changed'
  | 'data_folder_in_use';

/** A start that cannot go on: one sentence of what is wrong, one of what helps. Never ends in a stack trace. */
export function refusal(reason: RefusalReason, problem: string, remedy: string, cause?: unknown): MusterError {
  return unavailable(reason, `${problem} ${remedy}`, {
    extra: { problem, remedy },
    ...(cause === undefined ? {} : { cause }),
  });
}
