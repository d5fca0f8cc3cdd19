import type { BuildState, WorkerState } from '@muster/protocol';
import { type BuildEvent, buildTable, type WorkerEvent, workerTable } from '@muster/protocol/builds';
import { refusalOf, targetsOf } from '@muster/protocol/machine';
import { buildsWords as w } from '../../words/builds.ts';

/* Which buttons may be pressed: the server's own transition tables. The server decides again. */

export type BuildAct = 'cancel' | 'retry' | 'priority';
const eventOf: Readonly<Record<BuildAct, BuildEvent>> = { cancel: 'cancel', retry: 'retry', priority: 'change' };

/** Why this cannot be done to a build in that state; `undefined` when it can. */
export function whyNot(act: BuildAct, state: BuildState): string | undefined {
  const event = eventOf[act];
  const refusal = refusalOf(buildTable, state, event);
  if (refusal !== undefined) return w.refused[act](refusal);
  // What is cancelled, or about to be, is so already: the table takes the call and nothing moves.
  const moves = targetsOf(buildTable, state, event).some((target) => target !== state);
  return act === 'cancel' && !moves ? w.refused.cancel(state) : undefined;
}

export type WorkerAct = Extract<WorkerEvent, 'drain' | 'resume' | 'remove'>;

export function whyNotWorker(
  act: WorkerAct,
  worker: { state: WorkerState; admission: 'open' | 'draining'; held: readonly unknown[] },
): string | undefined {
  const refusal = refusalOf(workerTable, worker.state, act);
  if (refusal !== undefined || (act === 'remove' && worker.held.length > 0)) return w.worker.refused.inUse;
  if (act === 'drain' && worker.admission === 'draining') return w.worker.refused.draining;
  if (act === 'resume' && worker.admission === 'open') return w.worker.refused.open;
  return undefined;
}
