/**
 * A total transition table: every state answers every event, and the compiler refuses a hole.
 * The same table guards memory, SQL, buttons and the diagram in the docs. A cell is one of
 *
 * - a state: the event moves there (the state itself = accepted, nothing moves)
 * - a list of states: accepted; the row decides which (attempts left, reason of the stop)
 * - `refuse:<reason>`: the caller gets `conflict` with that reason and nothing changes
 * - `impossible`: no caller can cause it; seen all the same, it is counted and nothing changes
 */
export type Answer<State extends string> = State | readonly State[] | `refuse:${string}` | 'impossible';
export type TransitionTable<State extends string, Event extends string> = {
  readonly [S in State]: { readonly [E in Event]: Answer<State> };
};

/** The states an event may lead to from `state`; empty when it is refused or impossible. */
export function targetsOf<State extends string, Event extends string>(
  table: TransitionTable<State, Event>,
  state: State,
  event: Event,
): readonly State[] {
  const answer: Answer<State> = table[state][event];
  if (typeof answer !== 'string') return answer;
  return statesOf(table).filter((candidate) => candidate === answer);
}

/** States in which `event` is accepted, in table order. Feeds `where state = any(…)`. */
export function statesAllowing<State extends string, Event extends string>(
  table: TransitionTable<State, Event>,
  event: Event,
): State[] {
  return statesOf(table).filter((state) => targetsOf(table, state, event).length > 0);
}

/** States that `event` always leaves for another one, in table order. */
export function statesLeavingBy<State extends string, Event extends string>(
  table: TransitionTable<State, Event>,
  event: Event,
): State[] {
  return statesAllowing(table, event).filter((state) => !targetsOf(table, state, event).includes(state));
}

/** Why `event` is refused in `state`; `undefined` when it is not refused. */
export function refusalOf<State extends string, Event extends string>(
  table: TransitionTable<State, Event>,
  state: State,
  event: Event,
): string | undefined {
  const answer: Answer<State> = table[state][event];
  return typeof answer === 'string' && answer.startsWith('refuse:') ? answer.slice('refuse:'.length) : undefined;
}

export function statesOf<State extends string, Event extends string>(table: TransitionTable<State, Event>): State[] {
  // Object.keys loses the key type; the table's own type is the proof.
  return Object.keys(table) as State[];
}
