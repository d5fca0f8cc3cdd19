import { type AppendLog, buildLimits, isTerminal } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { invalid } from '#kernel/base';
import type { Reader } from '#kernel/db';
import { requireHolder, staleTerm } from './access.ts';
import type { NewLine } from './log-lines.ts';
import type { BuildRow } from './queries/build-row.ts';
import { endedRecently } from './queries/log.ts';
import type { Room } from './room.ts';

/**
 * Stores lines of the attempt that holds the build and resolves with how many lines that attempt has then. Lines come
 * from `offset` on; what is stored already is skipped, so a repeat is harmless (I9).
 * Errors: `conflict` `log_gap {expectedOffset}`, `stale_term {term, state}`; `exhausted` `log_full {expectedOffset}`;
 * `invalid` `append_too_large` (413); and those of `requireBuild`.
 */
export async function appendLog(
  room: Room,
  who: Principal,
  buildId: string,
  input: AppendLog,
): Promise<{ offset: number }> {
  const row = await requireHolder(room, who, buildId);
  await requireTerm(room.db, row, input.term);
  requireSize(input.lines.map((line) => line.text));
  // What the row's reading saw delivered needs no second look: what is told later may stand after these lines.
  if (row.outboxWaits) await room.flushOutbox(buildId, true);
  const lines = input.lines.map(
    (line): NewLine => ({
      level: line.level ?? 'info',
      source: line.source ?? 'stdout',
      text: line.text,
      clientAt: line.at,
    }),
  );
  const { offset } = await room.logs.append(row, input.term, input.offset, lines);
  return { offset };
}

/**
 * Stores lines of a client that does not count them: they go to the end of the attempt `term`. The compat layer has
 * checked the sender. Resolves with the number of lines stored.
 */
export async function appendLegacyLines(
  room: Room,
  row: BuildRow,
  term: number,
  lines: readonly NewLine[],
): Promise<number> {
  await requireTerm(room.db, row, term);
  requireSize(lines.map((line) => line.text));
  await room.flushOutbox(row.id);
  const { stored } = await room.logs.append(row, term, undefined, lines);
  return stored;
}

/** The row's own attempt, held now or ended less than a minute ago. */
async function requireTerm(reader: Reader, row: Pick<BuildRow, 'id' | 'term' | 'state'>, term: number): Promise<void> {
  if (row.term !== term || row.state === 'queued') throw staleTerm(row);
  if (isTerminal(row.state) && !(await endedRecently(reader, row.id))) throw staleTerm(row);
}

function requireSize(texts: readonly string[]): void {
  const bytesMax = buildLimits.logAppendBytesMax;
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= bytesMax) return;
  throw invalid('append_too_large', `One append takes ${bytesMax} bytes of text; this one has ${bytes}.`, {
    status: 413,
    extra: { bytesMax },
  });
}
