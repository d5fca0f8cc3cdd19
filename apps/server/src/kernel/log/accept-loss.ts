import { conflict, type FatalHandler, unavailable } from '#kernel/base';
import { createLog } from './create-log.ts';
import { type InspectOptions, inspectLog, type LogReport } from './inspect.ts';
import type { NodeIdentity } from './ownership.ts';

/**
 * Accepts what an inspection showed, so that a server starts again: every frame that verifies is kept, streams that may have
 * lost positions begin new eras, and readers meet an explicit gap. Nothing is deleted: what is replaced or left out is in
 * `quarantine`. Does nothing when a start needs nothing.
 *
 * `fingerprint` is the one of the report that was shown. `conflict` `log_report_changed` when another one is true now;
 * `unavailable` `log_not_acceptable` when no acceptance helps.
 */
export async function acceptLogLoss(
  options: InspectOptions & { fingerprint: string; node?: NodeIdentity },
): Promise<{ before: LogReport; after: LogReport }> {
  const { fingerprint, node, ...inspected } = options;
  const before = await inspectLog(inspected);
  if (before.needs === 'nothing') return { before, after: before };
  if (before.needs === 'help') throw unavailable('log_not_acceptable', before.detail);
  if (before.fingerprint !== fingerprint)
    throw conflict('log_report_changed', 'What would be accepted is not what was shown. Inspect the log again.', {
      extra: { fingerprint: before.fingerprint },
    });
  let failed: Error | undefined;
  const fatal: FatalHandler = (error) => void (failed ??= error);
  const log = createLog({
    driver: 'disk',
    ...inspected,
    accept: before.needs,
    fatal,
    ...(node ? { node } : {}),
  });
  try {
    await log.start();
  } finally {
    // Stopping brings to Postgres what it can; the rest waits in the log for the server.
    await log[Symbol.asyncDispose]();
  }
  if (failed) throw failed;
  return { before, after: await inspectLog(inspected) };
}
