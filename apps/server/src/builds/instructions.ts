import type { Instruction } from '@muster/protocol';
import { never } from '#kernel/base';
import type { WorkerRow } from './queries/workers.ts';

/** Everything a worker has to be told now, from its row. Said until the row says otherwise. */
export function instructionsOf(
  worker: Pick<WorkerRow, 'admission' | 'drainExit' | 'drainTold' | 'held'>,
  graceMs: number,
): Instruction[] {
  const instructions: Instruction[] = worker.held
    .filter((build) => build.state === 'cancelling')
    .map(({ buildId, term, stopReason }) => ({ kind: 'cancel', buildId, term, reason: stopReason ?? 'user', graceMs }));
  if (worker.admission === 'draining')
    instructions.push({ kind: 'drain', exit: worker.drainExit && worker.held.length === 0 });
  else if (worker.drainTold) instructions.push({ kind: 'resume' });
  return instructions;
}

/** A build the worker believes to hold and does not: it is to stop it, and nothing it still sends will count. */
export const stopLost = ({ buildId, term }: { buildId: string; term: number }): Instruction => ({
  kind: 'cancel',
  buildId,
  term,
  reason: 'stale_term',
  graceMs: 0,
});

/** Equal instructions have equal names. */
export function nameOfInstruction(instruction: Instruction): string {
  switch (instruction.kind) {
    case 'cancel':
      return `cancel ${instruction.buildId} ${instruction.term}`;
    case 'drain':
      return `drain ${instruction.exit}`;
    case 'resume':
      return 'resume';
    default:
      return never(instruction);
  }
}
