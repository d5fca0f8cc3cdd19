import { type GalleryTask, galleryLimits, simSchema } from '@muster/protocol';
import { z } from 'zod';
import { bioOf } from '#gallery/model';
import { nameOf, systemPrincipal, writeAudit } from '#kernel/auth';
import { asError, conflict, must, newId } from '#kernel/base';
import { done, type Handler } from '#kernel/queue';
import { commandIn } from './command-bots.ts';
import { otherNodes, othersRunning, provisioned, seededBots } from './queries/simulate.ts';
import { advanceTask, finishTask, insertTask, readTask, readTaskById } from './queries/tasks.ts';
import type { Asker, Room } from './room.ts';
import { seedNow } from './seed-bots.ts';
import { showFleet } from './show-fleet.ts';
import { showTask } from './tasks.ts';

export const simKind = 'gallery.sim';
type Input = z.output<typeof simSchema>;
const hourMs = 3_600_000;
/** Thinks of one tick share their world and their commits; feeds are that old at other times, too. */
const tickMs = galleryLimits.feedFreshMs;
/** Accounts made at once. */
const provisionAtOnce = 8;

/**
 * Draws a fleet in the sandbox and lets it live some hours that end now, as fast as the machine can; then it goes on in real
 * time. The clock of the gallery stands for everybody meanwhile, so nothing else of it may run. Errors: `conflict`
 * `fleet_busy`, `not_alone`.
 */
export async function simulateDays(room: Room, asker: Asker, input: Input): Promise<GalleryTask> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:admin');
  await room.ready(who.projectId);
  await requireQuiet(room, who.projectId, input.seed);
  const id = newId('job');
  return room.db.transaction(async (tx) => {
    const at = new Date(room.realClock.now());
    const total = Math.ceil(input.hours * 60);
    await insertTask(tx, { id, projectId: who.projectId, kind: 'sim', input, total, by: nameOf(who), at });
    await room.queue.enqueue(tx, {
      kind: simKind,
      payload: { id },
      uniqueKey: 'sim',
      projectId: who.projectId,
      attemptsMax: 1,
    });
    await writeAudit(tx, { ...asker, action: 'gallery.sim', subject: id, after: input });
    return showTask(must(await readTask(tx, who.projectId, id), 'the task of the simulation'));
  });
}

async function requireQuiet(room: Room, projectId: string, seed: number): Promise<void> {
  const running = await othersRunning(room.db, projectId, seed);
  if (running > 0) {
    throw conflict('fleet_busy', `${running} bots run; their clock would stand still. Stop them first.`, {
      extra: { running, remedy: 'muster gallery stop --all' },
    });
  }
  const nodes = await otherNodes(room.db, room.nodeId);
  if (nodes.length > 0)
    throw conflict('not_alone', `Bots are also owned by ${nodes.join(', ')}; a simulation needs one server alone.`);
}

/** One at a time and once: a simulation that a restart cut short is said to have failed. */
export const simHandler = (room: Room): Handler => {
  return async ({ payload, signal, attempt }) => {
    const { id } = z.object({ id: z.string() }).parse(payload);
    const fail = (error: string): Promise<void> =>
      room.db.transaction((tx) => finishTask(tx, id, { error, at: new Date(room.realClock.now()) }));
    if (attempt > 1) {
      await fail('The server ended in the middle of the simulation.');
      return done;
    }
    try {
      await run(room, id, signal);
    } catch (error) {
      room.telemetry.logger.error({ error: asError(error) }, 'the simulation failed');
      await fail(asError(error).message);
    }
    return done;
  };
};

async function run(room: Room, id: string, signal: AbortSignal): Promise<void> {
  const row = must(await readTaskById(room.db, id), 'the task of the simulation');
  const { projectId } = row;
  const input = simSchema.parse(row.input);
  const { clock, loop } = room;
  const from = input.from === undefined ? room.realClock.now() - input.hours * hourMs : Date.parse(input.from);
  let told = 0;
  const onProgress = (doneMs: number): void => {
    const minutes = Math.floor(doneMs / 60_000) - told;
    if (minutes < 10) return;
    told += minutes;
    void room.db
      .transaction((tx) => advanceTask(tx, id, { done: minutes, changed: 0, refused: [] }))
      .catch(() => undefined);
  };
  // The fleet is drawn and gets its accounts at the beginning of the simulated time; nothing comes due while the clock stands.
  clock.hold(from);
  let made = 0;
  try {
    made = await people(room, projectId, input);
    await loop.changed(projectId, 'all');
    await loop.simulate({ hours: input.hours, from, tickMs, signal, onProgress });
  } finally {
    clock.follow();
  }
  const { counts } = await showFleet(room, systemPrincipal(projectId));
  const result = { bots: made, ...counts };
  if (!input.start) await stopAll(room, projectId, input.seed);
  await room.db.transaction(async (tx) => {
    const now = await readTask(tx, projectId, id);
    await advanceTask(tx, id, { done: row.total - (now?.done ?? 0), changed: result.bots, refused: [] });
    await finishTask(tx, id, { result, at: new Date(room.realClock.now()) });
  });
}

/** The bots of the drawing, with accounts, running from the beginning of the simulated time on. */
async function people(room: Room, projectId: string, input: Input): Promise<number> {
  await seedNow(room, projectId, { count: input.count, seed: input.seed, targetId: 'sandbox' });
  const bots = await seededBots(room.db, projectId, 'sandbox', input.seed, input.count);
  const target = await room.targets.of(projectId, 'sandbox');
  for (let from = 0; from < bots.length; from += provisionAtOnce) {
    const some = bots.slice(from, from + provisionAtOnce).filter(({ provision }) => provision !== 'done');
    const accounts = await Promise.all(
      some.map(async ({ id, name, username, personaId, disclosureLabel, vibe }) => {
        const bio = bioOf(vibe, disclosureLabel);
        return { id, ...(await target.provision({ botId: id, name, username, bio, personaId })) };
      }),
    );
    await room.db.transaction((tx) => provisioned(tx, accounts, new Date(room.clock.now())));
  }
  const ids = bots.map(({ id }) => id);
  await room.db.transaction((tx) => commandIn(room, tx, projectId, 'start', ids));
  return bots.length;
}

async function stopAll(room: Room, projectId: string, seed: number): Promise<void> {
  const bots = await seededBots(room.db, projectId, 'sandbox', seed, 100_000);
  await room.db.transaction((tx) =>
    commandIn(
      room,
      tx,
      projectId,
      'stop',
      bots.map(({ id }) => id),
    ),
  );
  await room.loop.changed(projectId, 'all');
}
