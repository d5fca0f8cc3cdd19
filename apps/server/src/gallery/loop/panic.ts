import { newId, notFound } from '#kernel/base';
import type { PanicAnswer } from './contract.ts';
import type { LoopDeps } from './loop-deps.ts';
import type { Owner } from './owner.ts';
import { countRunning, panicFleet, pauseAll, readOpenActs, releaseFleet } from './queries/gates.ts';

/** Other nodes have this long to say that they stopped; the reply names those that did not. */
const confirmMs = 700;
const inFlightShownMax = 1_000;
/** After a release as before, bots come up within this time. */
const releaseSpreadMs = 60_000;

type Parts = Pick<LoopDeps, 'db' | 'clock' | 'tell' | 'emit' | 'telemetry'>;

/**
 * The kill switch (§9.4): memory first, so nothing of this node acts from this instant; then the row, which every `open`
 * commit asks; then the other nodes. `notFound` `no_such_fleet`; when the row cannot be written (`store_down`) this node
 * stays stopped all the same.
 */
export async function panic(
  deps: Parts,
  owner: Owner,
  given: { projectId: string; by: string; reason: string },
): Promise<PanicAnswer> {
  const { db, clock, tell, emit, telemetry } = deps;
  const { projectId, by, reason } = given;
  owner.stopAll(projectId);
  const stoppedAt = clock.now();
  const bots = await db.transaction(async (tx) => {
    if (!(await panicFleet(tx, projectId, by, reason, stoppedAt))) throw noFleet();
    const bots = await countRunning(tx, projectId);
    const message = `${by} stopped the fleet: ${reason}`;
    tell(tx, [{ ...fleetRow(projectId, stoppedAt), type: 'panic', message, data: { reason } }]);
    emit(tx, [{ projectId, type: 'gallery.fleet.panic', reason, data: { by, bots } }]);
    return bots;
  });
  const nodes = await owner.stoppedByRow(projectId, confirmMs);
  const inFlight = await readOpenActs(db, projectId, inFlightShownMax);
  telemetry.logger.warn({ projectId, by, reason, bots, inFlight: inFlight.length }, 'the fleet was stopped');
  return { stoppedAt, bots, inFlight, nodes };
}

/**
 * Opens the fleet's gate again. `paused`: every bot is paused first, and people start whom they want; `asBefore`: those that
 * ought to run go on, spread over a minute. `notFound` `no_such_fleet`.
 */
export async function release(
  deps: Parts,
  owner: Owner,
  given: { projectId: string; by: string; reason: string; state: 'paused' | 'asBefore' },
): Promise<void> {
  const { db, clock, tell, emit, telemetry } = deps;
  const { projectId, by, reason, state } = given;
  const at = clock.now();
  owner.spread(projectId, releaseSpreadMs);
  const paused = await db.transaction(async (tx) => {
    const paused = state === 'paused' ? await pauseAll(tx, projectId, at) : 0;
    if (!(await releaseFleet(tx, projectId, at))) throw noFleet();
    const how = state === 'paused' ? `${paused} bots are paused` : 'bots go on as before';
    tell(tx, [
      {
        ...fleetRow(projectId, at),
        type: 'released',
        message: `${by} released the fleet, ${how}: ${reason}`,
        data: { reason },
      },
    ]);
    emit(tx, [{ projectId, type: 'gallery.fleet.released', reason, data: { by, state } }]);
    return paused;
  });
  if (paused > 0) await owner.changed(projectId, 'all');
  await owner.opened(projectId, releaseSpreadMs);
  telemetry.logger.info({ projectId, by, reason, state, paused }, 'the fleet was released');
}

const fleetRow = (
  projectId: string,
  at: number,
): { id: string; projectId: string; botId: null; botName: null; personaId: null; at: number } => ({
  id: newId('activity'),
  projectId,
  botId: null,
  botName: null,
  personaId: null,
  at,
});

const noFleet = (): Error => notFound('no_such_fleet', 'This project has no gallery fleet.');
