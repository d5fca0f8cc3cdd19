import { asError, newId } from '#kernel/base';
import { projectsWithBots } from './queries/fleet.ts';
import type { Room } from './room.ts';

type Degraded = { mind: string; degraded: boolean; reason: string };

/**
 * Minds are the process's, events are a project's: whoever has running bots hears that a mind is replaced by its fallback
 * more often than not, and that it works again. Never throws: thinks do not wait for it.
 */
export async function tellDegraded(
  { db, clock, tell, emit, telemetry }: Pick<Room, 'db' | 'clock' | 'tell' | 'emit' | 'telemetry'>,
  { mind, degraded, reason }: Degraded,
): Promise<void> {
  telemetry.logger.warn({ mind, degraded, reason }, degraded ? 'a mind is degraded' : 'a mind works again');
  try {
    await db.transaction(async (tx) => {
      const projects = await projectsWithBots(tx);
      const message = degraded
        ? `The mind ${mind} is degraded (${reason}): its fallback thinks in its place.`
        : `The mind ${mind} works again.`;
      const at = clock.now();
      const nobody = { botId: null, botName: null, personaId: null };
      tell(
        tx,
        projects.map((projectId) => ({
          id: newId('activity'),
          projectId,
          ...nobody,
          type: 'other' as const,
          message,
          at,
          data: { mind, ...(degraded ? { reason } : {}) },
        })),
      );
      const data = { mind, degraded };
      emit(
        tx,
        projects.map((projectId) => ({ projectId, type: 'gallery.mind.degraded' as const, reason, data })),
      );
    });
  } catch (error) {
    telemetry.logger.warn({ error: asError(error), mind }, 'that a mind is degraded could not be told');
  }
}
