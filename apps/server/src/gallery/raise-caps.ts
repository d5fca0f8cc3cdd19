import { newId } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { BudgetLine } from '#kernel/meter';
import type { NewActivity } from './queries/activity.ts';
import { endBudgetSleep, openFleetBudgetGate, openTargetBudgetGate } from './queries/budget-waits.ts';
import type { Room } from './room.ts';

/** Whose caps were put. */
export type Capped = { kind: 'fleet' | 'target' | 'persona' | 'bot'; id: string };
type Telling = Pick<Room, 'tell' | 'emit'>;

/** Caps on one kind of act put nobody to sleep: they take the kind out of the odds. */
const kinds: readonly string[] = ['posts', 'comments', 'likes'];

/** Whether a think that asked now would find room below all caps that can stop it. */
export const hasRoom = (lines: readonly BudgetLine[]): boolean =>
  lines.every(({ measure, cap, spent, reserved }) => kinds.includes(measure) || cap === null || spent + reserved < cap);

/**
 * In the transaction that put the caps, once there is room below them: what sleeps on this budget need not wait for the end
 * of its period. Whoever still has another cap in the way finds it at the next reservation and sleeps again.
 */
export async function letGo(
  { tell, emit }: Telling,
  tx: Tx,
  projectId: string,
  { kind, id }: Capped,
  now: number,
): Promise<void> {
  const at = new Date(now);
  const row = (message: string, of: Partial<NewActivity> = {}): NewActivity => ({
    id: newId('activity'),
    projectId,
    botId: null,
    botName: null,
    personaId: null,
    type: 'woke',
    message,
    at: now,
    ...of,
  });
  if (kind === 'fleet') {
    if (await openFleetBudgetGate(tx, projectId, at))
      tell(tx, [row('The fleet is open again: its budget was raised.')]);
    return;
  }
  if (kind === 'target') {
    if (!(await openTargetBudgetGate(tx, projectId, id, at))) return;
    tell(tx, [row(`Target ${id} is open again: its budget was raised.`, { data: { targetId: id } })]);
    emit(tx, [{ projectId, type: 'gallery.target.opened', targetId: id }]);
    return;
  }
  const ended = await endBudgetSleep(tx, projectId, kind === 'bot' ? { botId: id } : { personaId: id }, at);
  const woken = ended.filter(({ state }) => state === 'running');
  tell(
    tx,
    woken.map((bot) =>
      row(`${bot.name} woke up: its budget was raised.`, {
        botId: bot.id,
        botName: bot.name,
        personaId: bot.personaId,
      }),
    ),
  );
  emit(
    tx,
    woken.map((bot) => ({ projectId, type: 'gallery.bot.woke' as const, botId: bot.id })),
  );
}
