import { must } from '#kernel/base';
import { dispatchLimits } from './dispatch-limits.ts';
import { applyEndings } from './end-attempts.ts';
import type { Decided } from './end-of-attempt.ts';
import { Gather } from './gather.ts';
import { type Attempt, checkAttempt, type Holder } from './holder.ts';
import { artifactsOfAttempts, type HeldRow, lockBuilds, type StoredArtifact, setPrimary } from './queries/finish.ts';
import type { Room } from './room.ts';

/** What a call decided on the locked row: how the attempt ends, or nothing because it ended so before. */
export type Verdict<T> = {
  answer: T;
  ending?: Decided /** Artifact that legacy `download` gives. */;
  primary?: string | undefined;
};

type Item = {
  holder: Holder;
  attempt: Attempt;
  /** Names the call in metrics. */
  call: string;
  wantsArtifacts: boolean;
  decide: (row: HeldRow, artifacts: readonly StoredArtifact[]) => Verdict<unknown>;
};
type Answer = { answer: unknown } | { error: unknown };

/** Ends of attempts that workers tell. What comes in together is one transaction. */
export class Endings {
  readonly #room: Room;
  readonly #gather: Gather<Item, Answer>;

  constructor(room: Room) {
    this.#room = room;
    this.#gather = new Gather((items) => endTogether(room, items), {
      most: dispatchLimits.endingsBatchMax,
      late: { clock: room.clock, afterMs: dispatchLimits.batchLateMs, lanes: dispatchLimits.batchLanesMax },
      apart: ({ attempt }) => attempt.buildId,
    });
  }

  /**
   * Locks the build, checks that this attempt is the present one and this worker's, lets `decide` say how it ends, and
   * does that. Errors: what `decide` throws, and those of `checkAttempt`.
   */
  async end<T>(
    holder: Holder,
    attempt: Attempt,
    { call, wantsArtifacts = false }: { call: string; wantsArtifacts?: boolean },
    decide: (row: HeldRow, artifacts: readonly StoredArtifact[]) => Verdict<T>,
  ): Promise<T> {
    const done = await this.#gather.do({ holder, attempt, call, wantsArtifacts, decide });
    if ('error' in done) throw done.error;
    this.#room.live.presence.ended(holder.workerId, attempt);
    return done.answer as T; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what this item's own `decide` made
  }
}

async function endTogether(room: Room, items: readonly Item[]): Promise<Answer[]> {
  return await room.db.transaction(
    async (tx) => {
      const wanted = items.filter((item) => item.wantsArtifacts).map(({ attempt }) => attempt);
      // Asked at once: one trip, and the artifacts are read under the locks all the same.
      const [locked, artifacts] = await Promise.all([
        lockBuilds(
          tx,
          items.map(({ attempt }) => attempt.buildId),
        ),
        wanted.length > 0 ? artifactsOfAttempts(tx, wanted) : [],
      ]);
      const rows = new Map(locked.map((row) => [row.id, row]));
      const endings: Decided[] = [];
      const primaries: string[] = [];
      const answers: Answer[] = [];
      for (const { holder, attempt, call, decide } of items) {
        try {
          const row = rows.get(attempt.buildId);
          await checkAttempt(room, tx, holder, row, attempt, call);
          const own = artifacts.filter(
            (artifact) => artifact.buildId === attempt.buildId && artifact.term === attempt.term,
          );
          const { answer, ending, primary } = decide(must(row, 'a checked build'), own);
          if (ending) endings.push(ending);
          if (primary !== undefined) primaries.push(primary);
          answers.push({ answer });
        } catch (error) {
          answers.push({ error });
        }
      }
      if (primaries.length > 0) await setPrimary(tx, primaries);
      await applyEndings(room, tx, endings);
      return answers;
    },
    { retries: 3 },
  );
}
