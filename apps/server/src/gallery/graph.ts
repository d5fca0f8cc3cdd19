import type { GalleryGraph } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { measureGraph } from './graph-measures.ts';
import { roomLimits } from './limits.ts';
import { namesOf, readEdges } from './queries/measures.ts';
import type { Room } from './room.ts';
import { type WindowInput, windowOf } from './stats.ts';

/** Bots and people, and who liked, commented on and answered whom over a window; the strongest edges when there are too many. */
export async function graphOfGallery(room: Room, who: Principal, input: WindowInput): Promise<GalleryGraph> {
  await room.ready(who.projectId);
  const window = windowOf(room, who, input);
  const rows = await readEdges(room.db, window, roomLimits.graphEdgesMax + 1);
  const kept = rows.slice(0, roomLimits.graphEdgesMax);
  const bots = await namesOf(
    room.db,
    who.projectId,
    [...new Set(kept.map(({ botId }) => botId))],
    [...new Set(kept.map(({ person }) => person))],
  );
  const byUsername = new Map(bots.map((bot) => [bot.username, bot]));
  const nodes = new Map<string, GalleryGraph['nodes'][number]>(
    bots.map((bot) => [bot.id, { id: bot.id, name: bot.name, isBot: true, persona: bot.personaId }]),
  );
  const edges = kept.map(({ botId, person, likes, comments, replies }) => {
    const to = byUsername.get(person)?.id ?? `person:${person}`;
    if (!nodes.has(to)) nodes.set(to, { id: to, name: person, isBot: false, persona: null });
    // Purged meanwhile: its id is all that is left.
    if (!nodes.has(botId)) nodes.set(botId, { id: botId, name: botId, isBot: true, persona: null });
    return { from: botId, to, likes, comments, replies };
  });
  const measured = measureGraph(
    [...nodes.keys()],
    edges.map(({ from, to, likes, comments, replies }) => ({ from, to, weight: likes + comments + replies })),
  );
  const people = await room.answeredPeople(window);
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    nodes: [...nodes.values()],
    edges,
    measures: { ...measured, ...people },
    truncated: rows.length > kept.length,
  };
}
