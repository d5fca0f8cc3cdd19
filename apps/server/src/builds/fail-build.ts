import { type Attribution, type BuildState, type FailureCode, failureCodes } from '@muster/protocol';
import { reach } from '#kernel/base';
import { type Decided, endBroken, endTold, stopped } from './end-of-attempt.ts';
import { failureOf } from './failures.ts';
import { type Attempt, checkEvent, type Holder } from './holder.ts';
import type { HeldRow } from './queries/finish.ts';
import type { Room } from './room.ts';

export type FailInput = Attempt & {
  failure: {
    code: FailureCode;
    detail: string;
    attribution?: Attribution | undefined;
    exitCode?: number | undefined;
    lastLines?: string[] | undefined;
  };
};

/**
 * The attempt failed. A failure of the user's work ends the build; one of the host or the system, or any that the build
 * wants retried, puts it in line again while attempts are left. Said again for the same attempt it answers as before.
 * Errors: `conflict` `finished stale_term`; `forbidden` `not_holder`; `notFound` `no_such_build`.
 */
export async function failBuild(
  room: Room,
  holder: Holder,
  input: FailInput,
): Promise<{ state: BuildState; repeated: boolean }> {
  const outcome = await room.live.endings.end<{ state: BuildState; repeated: boolean }>(
    holder,
    input,
    { call: 'fail' },
    (row) => {
      if (row.state === 'failed') return { answer: { state: row.state, repeated: true } };
      const ending = decide(room, row, input);
      checkEvent(room, row, ending.event);
      return { answer: { state: ending.state, repeated: false }, ending };
    },
  );
  await reach('result.committed');
  return outcome;
}

function decide(room: Room, row: HeldRow, { failure: said }: FailInput): Decided {
  const { code, detail, exitCode, lastLines, attribution = failureCodes[code].attribution } = said;
  const failure = failureOf(code, detail, {
    attribution,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(lastLines === undefined ? {} : { lastLines }),
  });
  if (row.state === 'cancelling') return endTold(row, 'fail', { ...stopped(row), exitCode: exitCode ?? null });
  if (attribution !== 'user' || row.retryOn.includes('user'))
    return endBroken(row, { kind: 'fault', failure }, room.random);
  return endTold(row, 'fail', {
    state: 'failed',
    failure,
    outcome: 'failed',
    attemptFailure: failure,
    exitCode: exitCode ?? null,
  });
}
