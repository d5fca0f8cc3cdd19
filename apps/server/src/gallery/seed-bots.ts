import { type GalleryTask, type Persona, seedSchema } from '@muster/protocol';
import { z } from 'zod';
import { type DrawnBot, drawBot } from '#gallery/personas';
import { nameOf, writeAudit } from '#kernel/auth';
import { invalid, must, newId } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Once } from '#kernel/http';
import { done, type Handler, retry } from '#kernel/queue';
import { noSuchTarget } from './access.ts';
import { type Surroundings, surroundings } from './bot-shape.ts';
import { provisionIn, requireActing, requireRoom, shardOf } from './create-bot.ts';
import { roomLimits } from './limits.ts';
import { drawnAlready, insertBots, livedBefore, type NewBot, whoHolds } from './queries/bots.ts';
import { advanceTask, finishTask, insertTask, readTask, takeTask } from './queries/tasks.ts';
import type { Asker, Room } from './room.ts';
import { seededId } from './seeded-id.ts';
import { previewTask, showTask } from './tasks.ts';

export const seedKind = 'gallery.seed';
type Input = z.output<typeof seedSchema>;
const keptSchema = seedSchema.extend({
  at: z.number(),
  /** Whether accounts are asked for; a simulation makes them itself, at its own time. */
  accounts: z.boolean().default(true),
});
type Kept = z.output<typeof keptSchema>;

/**
 * Draws a fleet: bot `i` depends on `(seed, i)` and the personas alone, so N and then 2N keeps the first N and a second run
 * makes nothing. Up to 500 are there when the answer comes; more are a job. `dryRun` says how many would be made, and the
 * first of them. Errors: `invalid` `no_such_target`, `no_such_persona`, `nothing_to_seed`, `seed_range`; `conflict`
 * `target_not_acknowledged` (with `start`); `exhausted` `bots_full`.
 */
export async function seedBots(room: Room, asker: Asker, input: Input, once: Once): Promise<GalleryTask> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  if (input.count > room.config.seedCountMax) {
    throw invalid('seed_range', `At most ${room.config.seedCountMax} bots are drawn from one seed.`, {
      errors: [{ pointer: '/count', detail: `at most ${room.config.seedCountMax}` }],
    });
  }
  const around = await surroundings(room, room.db, who.projectId, null);
  if (!around.targets.has(input.targetId)) throw noSuchTarget(input.targetId);
  const personas = chosen(around, input.personas);
  requireActing(around, input.targetId, input.start);
  const at = room.clock.now();
  if (input.dryRun) return preview(room, who.projectId, { ...input, at, accounts: true }, personas);
  const id = newId('job');
  const atOnce = input.count <= roomLimits.atOnceMax;
  const kept: Kept = { ...input, at, accounts: true };
  const task = await room.db.transaction((tx) =>
    once(tx, async () => {
      await requireRoom(room, tx, who.projectId, 1);
      await insertTask(tx, {
        id,
        projectId: who.projectId,
        kind: 'seed',
        input: kept,
        total: input.count,
        by: nameOf(who),
        at: new Date(at),
      });
      await writeAudit(tx, { ...asker, action: 'gallery.seed', subject: id, after: input });
      if (atOnce) {
        const changed = await seedRange(room, tx, who.projectId, kept, around, personas, { from: 0, to: input.count });
        await advanceTask(tx, id, { done: input.count, changed, refused: [] });
        await finishTask(tx, id, { at: new Date(room.clock.now()) });
      } else await room.queue.enqueue(tx, { kind: seedKind, payload: { id }, uniqueKey: id, projectId: who.projectId });
      return showTask(must(await readTask(tx, who.projectId, id), 'the task of the seeding'));
    }),
  );
  if (atOnce && input.start) await room.loop.changed(who.projectId, 'all');
  return task;
}

function chosen({ personas }: Surroundings, ids: readonly string[] | undefined): Persona[] {
  if (ids === undefined) {
    if (personas.size === 0)
      throw invalid('nothing_to_seed', 'The project has no persona to draw bots from; make or import one.');
    return [...personas.values()];
  }
  return [...new Set(ids)].map((id, i) => {
    const persona = personas.get(id);
    if (persona) return persona;
    throw invalid('no_such_persona', `There is no persona ${id}.`, {
      errors: [{ pointer: `/personas/${i}`, detail: 'no such persona' }],
    });
  });
}

async function preview(room: Room, projectId: string, kept: Kept, personas: readonly Persona[]): Promise<GalleryTask> {
  const there = await drawnAlready(room.db, projectId, kept.targetId, kept.seed, 0, kept.count);
  const mix: Record<string, number> = {};
  const first: unknown[] = [];
  for (let index = 0; index < kept.count; index++) {
    const bot = drawBot({ seed: kept.seed, index, personas });
    mix[bot.personaId] = (mix[bot.personaId] ?? 0) + 1;
    if (first.length < 10) first.push({ index, name: bot.name, username: firstOf(bot), personaId: bot.personaId });
  }
  return previewTask(room, 'seed', {
    total: kept.count,
    changed: kept.count - there.length,
    result: { personas: mix, first },
  });
}

const firstOf = (bot: DrawnBot): string => {
  for (const username of bot.usernames()) return username;
  return '';
};

/** Makes the bots of these places that are not there; answers how many those were. */
async function seedRange(
  room: Room,
  tx: Tx,
  projectId: string,
  kept: Kept,
  around: Surroundings,
  personas: readonly Persona[],
  range: { from: number; to: number },
): Promise<number> {
  const { seed, targetId, at } = kept;
  const there = new Set(await drawnAlready(tx, projectId, targetId, seed, range.from, range.to));
  const drawn: DrawnBot[] = [];
  for (let index = range.from; index < range.to; index++)
    if (!there.has(index)) drawn.push(drawBot({ seed, index, personas }));
  if (drawn.length === 0) return 0;
  await requireRoom(room, tx, projectId, drawn.length);
  const names = await freeUsernames(tx, projectId, targetId, drawn);
  const ids = await freshIds(tx, { projectId, targetId, seed }, drawn);
  const bots = drawn.map((bot, i): NewBot => {
    const id = must(ids[i], 'the id of a place');
    return {
      id,
      projectId,
      shard: shardOf(id),
      name: bot.name,
      username: must(names[i], 'a free username'),
      targetId,
      personaId: bot.personaId,
      disclosureLabel: 'automated account',
      traits: bot.traits,
      caps: null,
      seed: bot.seed,
      seedKey: seed,
      seedIndex: bot.index,
      desired: kept.start ? 'running' : 'stopped',
      at,
    };
  });
  const made = await insertBots(tx, bots);
  // Somebody took a name between the look and the insert: the whole step is done again.
  if (made.size < bots.length) throw new SomebodyWasFaster();
  if (kept.accounts) await provisionIn(room, tx, around, { projectId, targetId, botIds: [...made] });
  room.emit(tx, [{ projectId, type: 'gallery.bot.created', targetId, count: made.size, data: { seed } }]);
  return made.size;
}

/** An id for each place: that of its first life, or of the next one when what a purged bot did is still on record. */
async function freshIds(
  tx: Tx,
  drawing: { projectId: string; targetId: string; seed: number },
  drawn: readonly DrawnBot[],
): Promise<string[]> {
  const ids = drawn.map(({ index }) => seededId(drawing, index));
  for (let life = 1; ; life++) {
    const lived = await livedBefore(tx, ids);
    if (lived.size === 0) return ids;
    for (const [i, { index }] of drawn.entries()) if (lived.has(ids[i] ?? '')) ids[i] = seededId(drawing, index, life);
  }
}

class SomebodyWasFaster extends Error {
  override readonly name = 'SomebodyWasFaster';
  /** Lets the transaction run again, as after a serialization failure. */
  readonly code = '40001';
}

/** Candidates of each drawing that are looked up at first, and at each time that one of them needs more. */
const namesAhead = 6;
const namesMore = 24;

/**
 * For each drawing the first of its own candidates that nobody holds, in the order of the drawings: whoever comes later never
 * changes what came before. Who holds a name is asked for many at once, ahead of need.
 */
async function freeUsernames(
  tx: Tx,
  projectId: string,
  targetId: string,
  drawn: readonly DrawnBot[],
): Promise<string[]> {
  const candidates = drawn.map((bot) => ({ names: bot.usernames()[Symbol.iterator](), ahead: [] as string[] }));
  const held = new Map<string, boolean>();
  const lookAhead = async (from: number, count: number): Promise<void> => {
    const asked = candidates.slice(from).flatMap((one) => {
      const more = take(one.names, count).filter((name) => !one.ahead.includes(name));
      one.ahead.push(...more);
      return more.filter((name) => !held.has(name));
    });
    for (const name of asked) held.set(name, false);
    for (const { username } of await whoHolds(tx, projectId, targetId, asked)) held.set(username, true);
  };
  await lookAhead(0, namesAhead);
  const given: string[] = [];
  for (const [i, one] of candidates.entries()) {
    for (;;) {
      const free = one.ahead.find((name) => held.get(name) === false);
      if (free !== undefined) {
        // Held from now on, by this one.
        held.set(free, true);
        given.push(free);
        break;
      }
      const before = one.ahead.length;
      await lookAhead(i, namesMore);
      if (one.ahead.length > before) continue;
      const last = lastResort(drawn[i]);
      one.ahead.push(last);
      if (!held.has(last)) held.set(last, (await whoHolds(tx, projectId, targetId, [last])).length > 0);
      if (held.get(last) === true) throw new Error(`no username is left for place ${drawn[i]?.index} of the drawing`);
    }
  }
  return given;
}

/** When all candidates of a drawing are taken: what only this place of it can have. */
function lastResort(bot: DrawnBot | undefined): string {
  const { index, seed } = must(bot, 'the drawing that needs a name');
  return `${bot?.personaId.replaceAll('-', '_').slice(0, 12)}_${seed.toString(36)}_${index.toString(36)}`.slice(0, 30);
}

function take(names: Iterator<string>, count: number): string[] {
  const taken: string[] = [];
  while (taken.length < count) {
    const next = names.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

/** The same for whoever stands inside: a drawing of all personas, at once, without a task. */
export async function seedNow(
  room: Room,
  projectId: string,
  drawing: { count: number; seed: number; targetId: string },
): Promise<number> {
  const around = await surroundings(room, room.db, projectId, null);
  const personas = chosen(around, undefined);
  const kept: Kept = { ...drawing, start: false, dryRun: false, accounts: false, at: room.clock.now() };
  let made = 0;
  for (let from = 0; from < drawing.count; from += roomLimits.seedBatchMax) {
    const to = Math.min(drawing.count, from + roomLimits.seedBatchMax);
    made += await room.db.transaction((tx) => seedRange(room, tx, projectId, kept, around, personas, { from, to }), {
      retries: 5,
    });
  }
  return made;
}

/** Works a seeding off; each batch and how far the task says it is are one transaction (I9). */
export const seedHandler = (room: Room): Handler => {
  return async (job) => {
    const { id } = z.object({ id: z.string() }).parse(job.payload);
    for (;;) {
      if (job.signal.aborted) return retry(0, 'the server is stopping');
      const step = await room.db.transaction((tx) => oneBatch(room, tx, id), { retries: 5 });
      if (step === undefined) return done;
      if (!step.last) continue;
      if (step.start) await room.loop.changed(step.projectId, 'all');
      return done;
    }
  };
};

async function oneBatch(
  room: Room,
  tx: Tx,
  id: string,
): Promise<{ projectId: string; last: boolean; start: boolean } | undefined> {
  const task = await takeTask(tx, id, 0);
  if (!task) return undefined;
  const kept = keptSchema.parse(task.input);
  const { projectId } = task;
  const around = await surroundings(room, tx, projectId, null);
  const to = Math.min(task.total, task.done + roomLimits.seedBatchMax);
  const last = to >= task.total;
  const at = new Date(room.clock.now());
  try {
    const personas = chosen(around, kept.personas);
    const changed = await seedRange(room, tx, projectId, kept, around, personas, { from: task.done, to });
    await advanceTask(tx, id, { done: to - task.done, changed, refused: [] });
    if (last) await finishTask(tx, id, { at });
    return { projectId, last, start: kept.start };
  } catch (error) {
    const reason = error instanceof Error && 'reason' in error ? String(error.reason) : undefined;
    // A full project, a persona gone meanwhile: nothing was written in this step, and the next try would say the same.
    if (reason !== 'bots_full' && reason !== 'no_such_persona' && reason !== 'nothing_to_seed') throw error;
    await finishTask(tx, id, { error: error instanceof Error ? error.message : reason, at });
    return { projectId, last: true, start: kept.start };
  }
}
