import { type ActKind, actKinds, type Odds, type Persona, type Replayed, type replaySchema } from '@muster/protocol';
import { z } from 'zod';
import { drawsOf, MindError, type Situation } from '#gallery/model';
import { plainPersona } from '#gallery/personas';
import type { Principal } from '#kernel/auth';
import { conflict, invalid } from '#kernel/base';
import { readBots } from './queries/bot-row.ts';
import { type DecisionRow, decisionsBetween } from './queries/measures.ts';
import { readBodies } from './queries/personas.ts';
import type { Room } from './room.ts';
import { windowOf } from './stats.ts';

/** Thoughts that one replay lives again. */
const thoughtsMax = 500;

/** What a decision keeps that a replay needs; the rest of it is for people. */
const recordedSchema = z.object({
  thinkNo: z.number(),
  seed: z.number(),
  odds: z.partialRecord(z.enum(actKinds), z.number()),
  decision: z.object({ do: z.string(), on: z.number(), text: z.string(), caption: z.string() }).nullable(),
  situation: z.record(z.string(), z.unknown()).optional(),
});
type Recorded = z.output<typeof recordedSchema>;
type Input = z.output<typeof replaySchema>;
type Side = Replayed['thoughts'][number]['was'];

/**
 * Recorded thoughts decided once more from what the bots saw then, by the same draws, with another persona, mind or odds: both
 * sides beside each other. Nothing is sent or remembered, and a paid mind is asked only with `spend`. Errors: `invalid`
 * `no_such_persona`, `mind_unknown`, `invalid_query`; `conflict` `would_spend`.
 */
export async function replayThoughts(room: Room, who: Principal, input: Input, signal: AbortSignal): Promise<Replayed> {
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  const window = windowOf(room, who, input);
  const { change } = input;
  const personas = new Map((await readBodies(room.db, who.projectId, null)).map(({ id, body }) => [id, body]));
  const other = change.persona === undefined ? undefined : personas.get(change.persona);
  if (change.persona !== undefined && !other) {
    throw invalid('no_such_persona', `There is no persona ${change.persona}.`, {
      errors: [{ pointer: '/change/persona', detail: 'no such persona' }],
    });
  }
  checkMind(room, input);
  const rows = await decisionsBetween(room.db, window, input.botIds ?? null, thoughtsMax + 1);
  const bots = await readBots(room.db, who.projectId, [...new Set(rows.map(({ botId }) => botId))]);
  const byBot = new Map(
    bots.map(({ id, personaId }) => [id, personaId === null ? undefined : personas.get(personaId)]),
  );
  const thoughts: Replayed['thoughts'] = [];
  for (const row of rows.slice(0, thoughtsMax).toReversed()) {
    signal.throwIfAborted();
    const recorded = recordedSchema.safeParse(row.body);
    if (!recorded.success || recorded.data.decision === null) continue;
    const persona = other ?? byBot.get(row.botId) ?? plainPersona();
    const odds = change.odds ?? other?.odds;
    const was = before(row, recorded.data.decision);
    const now = await again(room, row, recorded.data, {
      persona,
      swapped: other !== undefined,
      odds,
      mind: change.mind,
      spend: input.spend,
      signal,
    });
    const same = was.kind === now.kind && was.text === now.text;
    thoughts.push({ thoughtId: row.thoughtId, botId: row.botId, at: row.at.toISOString(), same, was, now });
  }
  const sum = (read: (one: Replayed['thoughts'][number]) => number): number =>
    thoughts.reduce((all, one) => all + read(one), 0);
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    thoughts,
    same: sum(({ same }) => Number(same)),
    costMicros: { was: sum(({ was }) => was.costMicros), now: sum(({ now }) => now.costMicros) },
    truncated: rows.length > thoughtsMax,
  };
}

function checkMind(room: Room, { change, spend }: Input): void {
  if (change.mind === undefined) return;
  if (!room.minds.knows(change.mind)) {
    throw invalid('mind_unknown', `There is no mind ${change.mind}.`, {
      errors: [{ pointer: '/change/mind', detail: 'not a mind of this server' }],
    });
  }
  if (!spend && room.minds.mind(change.mind).kind === 'paid')
    throw conflict('would_spend', `${change.mind} is a paid mind; say spend: true.`, { extra: { mind: change.mind } });
}

const before = (row: DecisionRow, decision: NonNullable<Recorded['decision']>): Side => ({
  kind: decision.do,
  text: decision.text === '' ? decision.caption : decision.text,
  mind: row.mind,
  costMicros: row.costMicros,
});

type Other = {
  persona: Persona;
  swapped: boolean;
  odds: Odds | undefined;
  mind: string | undefined;
  spend: boolean;
  signal: AbortSignal;
};

/** The kind by the new odds among what could be done then; the words by the mind, of the situation that was recorded. */
async function again(room: Room, row: DecisionRow, recorded: Recorded, other: Other): Promise<Side> {
  const { seed, thinkNo, odds: open, decision } = recorded;
  const draws = (purpose: string, ...more: number[]): ReturnType<typeof drawsOf> =>
    drawsOf(seed, row.botId, thinkNo, purpose, ...more);
  const wanted = other.odds;
  const allowed = wanted
    ? Object.fromEntries(actKinds.flatMap((kind) => (open[kind] === undefined ? [] : [[kind, wanted[kind]]])))
    : undefined;
  const kind = allowed ? (draws('odds').weighted<ActKind>(allowed) ?? 'nothing') : decision?.do;
  const silent = { kind: kind ?? 'nothing', text: '', mind: other.mind ?? row.mind, costMicros: 0 };
  const act = actKinds.find((known) => known === kind);
  if (act === undefined || act === 'like' || act === 'browse' || !recorded.situation) return silent;
  const name = other.mind ?? 'improv';
  const mind = room.minds.mind(name, { fallback: 'none' });
  if (mind.kind === 'paid' && !other.spend) return silent;
  try {
    const { decision: made, ...thought } = await mind.think(situationOf(recorded, act, other), {
      draws: draws('mind', 0),
      signal: other.signal,
    });
    const text = made.text === '' ? made.caption : made.text;
    return { kind: act, text, mind: thought.mind, costMicros: thought.costMicros };
  } catch (error) {
    if (!(error instanceof MindError)) throw error;
    return { ...silent, text: `(${error.reason})`, mind: name, costMicros: error.used.costMicros };
  }
}

function situationOf(recorded: Recorded, kind: ActKind, { persona, swapped }: Other): Situation {
  const { personality, vibe, interests, style, language } = persona;
  const same = recorded.decision?.do === kind;
  // It is what the loop wrote of a situation of its own; only its persona was left out.
  const told = recorded.situation as unknown as Omit<Situation, 'persona'>;
  return {
    ...told,
    persona,
    ...(swapped ? { personality, vibe, interests, style, language } : {}),
    wanted: { kind, on: kind === 'post' ? -1 : same ? (recorded.decision?.on ?? 0) : 0, why: 'lived again' },
  };
}
