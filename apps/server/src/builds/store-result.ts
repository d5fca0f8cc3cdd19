import { createHash } from 'node:crypto';
import { conflict, invalid, reach } from '#kernel/base';
import { endTold, stopped } from './end-of-attempt.ts';
import type { Verdict } from './endings.ts';
import { type Attempt, checkEvent, type Holder } from './holder.ts';
import type { HeldRow, StoredArtifact } from './queries/finish.ts';
import type { Room } from './room.ts';

export type ResultInput = Attempt & {
  /** Ids of artifacts of this attempt, the primary one first; empty means all that were stored, oldest first. */
  artifacts: readonly string[];
  exitCode?: number | undefined;
};
type Outcome = { state: 'succeeded'; repeated: boolean } | { state: 'stopped'; stopReason: string };

/**
 * The attempt succeeded. The same result again answers as the first time (I9). Errors: `invalid` `artifact_missing` (the
 * build runs on, the worker may upload and repeat) and `no_such_artifact`; `conflict` `result_differs`, `build_cancelled`
 * (the build is then cancelled), `finished`, `stale_term`; `forbidden` `not_holder`; `notFound` `no_such_build`.
 */
export async function storeResult(
  room: Room,
  holder: Holder,
  input: ResultInput,
): Promise<{ state: 'succeeded'; repeated: boolean }> {
  const outcome = await room.live.endings.end<Outcome>(
    holder,
    input,
    { call: 'result', wantsArtifacts: true },
    (row, stored) => decide(room, row, stored, input),
  );
  await reach('result.committed');
  if (outcome.state === 'stopped') throw stoppedMeanwhile(outcome.stopReason);
  return outcome;
}

function decide(room: Room, row: HeldRow, stored: readonly StoredArtifact[], input: ResultInput): Verdict<Outcome> {
  const stopReason = row.stopReason ?? 'user';
  if (row.state === 'cancelled') return { answer: { state: 'stopped', stopReason } };
  if (row.state === 'cancelling') {
    // The answer is a refusal, and the build is over all the same: its worker has plainly stopped.
    return { answer: { state: 'stopped', stopReason }, ending: endTold(row, 'succeed', stopped(row)) };
  }
  const results = pick(stored, input.artifacts);
  const digest = digestOf(results);
  if (row.state === 'succeeded') {
    if (row.resultDigest === digest) return { answer: { state: 'succeeded', repeated: true } };
    throw conflict('result_differs', 'This build has already succeeded with other artifacts; the first result stays.', {
      extra: { state: row.state, term: row.term },
    });
  }
  checkEvent(room, row, 'succeed');
  const primary = results[0];
  if (!primary && row.expects === 'artifact') {
    throw invalid(
      'artifact_missing',
      'This build is expected to leave an artifact. Upload it, then send the result again.',
      {
        extra: { state: row.state, term: row.term },
      },
    );
  }
  const exitCode = input.exitCode ?? null;
  return {
    answer: { state: 'succeeded', repeated: false },
    ending: endTold(row, 'succeed', {
      state: 'succeeded',
      failure: null,
      outcome: 'succeeded',
      attemptFailure: null,
      digest,
      exitCode,
    }),
    primary: primary?.id,
  };
}

const stoppedMeanwhile = (stopReason: string): Error =>
  conflict('build_cancelled', 'The build was stopped before this result came; it is not counted.', {
    extra: { stopReason },
  });

function pick(stored: readonly StoredArtifact[], wanted: readonly string[]): readonly StoredArtifact[] {
  if (wanted.length === 0) return stored;
  return wanted.map((id, n) => {
    const found = stored.find((artifact) => artifact.id === id);
    if (found) return found;
    throw invalid('no_such_artifact', `${id.slice(0, 64)} is not an artifact of this attempt.`, {
      errors: [{ pointer: `/artifacts/${n}`, detail: 'not an artifact of this attempt' }],
    });
  });
}

/** What makes two results the same: names and bytes, in no order. */
function digestOf(results: readonly StoredArtifact[]): string {
  const lines = results.map(({ name, sha256 }) => `${name} ${sha256}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}
