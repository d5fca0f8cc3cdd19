import { type BuildState, isTerminal } from '@muster/protocol';
import type { Call } from '#kernel/http';
import { readVersion } from './queries/read.ts';
import type { Room } from './room.ts';

export const waitGoals = ['running', 'finished'] as const;
export type WaitGoal = (typeof waitGoals)[number];

const lookEveryMs = 1_000;

const reached = (state: BuildState, goal: WaitGoal): boolean =>
  isTerminal(state) || (goal === 'running' && (state === 'running' || state === 'cancelling'));

/**
 * Parks the call until the build is there or the time is over, whichever is first. Looks at the row at each hint and
 * once a second besides. `exhausted` `too_many_parked`.
 */
export async function waitForBuild(
  room: Room,
  call: Pick<Call, 'park'>,
  buildId: string,
  goal: WaitGoal,
  waitMs: number,
): Promise<void> {
  const there = async (): Promise<boolean> => {
    const row = await readVersion(room.db, buildId);
    return row === undefined || reached(row.state, goal);
  };
  if (waitMs === 0 || (await there())) return;
  await call.park<void>(waitMs, (wake) => {
    const watch = new Watch(room, there, wake);
    const changes = room.changes.onChange(buildId, () => watch.look());
    return {
      [Symbol.dispose]: () => {
        changes[Symbol.dispose]();
        watch[Symbol.dispose]();
      },
    };
  });
}

/** One look at a time; a hint during a look means another one after it. */
class Watch implements Disposable {
  readonly #room: Room;
  readonly #there: () => Promise<boolean>;
  readonly #wake: () => void;
  #timer: Disposable | undefined;
  #looking = false;
  #again = false;
  #over = false;

  constructor(room: Room, there: () => Promise<boolean>, wake: () => void) {
    this.#room = room;
    this.#there = there;
    this.#wake = wake;
    // The build may have moved between the first look and the subscription.
    this.look();
  }

  look(): void {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#timer?.[Symbol.dispose]();
    this.#looking = true;
    this.#again = false;
    void this.#look();
  }

  async #look(): Promise<void> {
    // A database that is away is no answer to the question: the next look asks again.
    const there = await this.#there().catch(() => false);
    this.#looking = false;
    if (this.#over) return;
    if (there) this.#wake();
    else if (this.#again) this.look();
    else this.#timer = this.#room.clock.after(lookEveryMs, () => this.look());
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#timer?.[Symbol.dispose]();
  }
}
