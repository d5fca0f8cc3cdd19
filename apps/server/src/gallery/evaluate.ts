import { type ActKind, actKinds, type GalleryEvaluation } from '@muster/protocol';
import { drawsOf } from '#gallery/model';
import { personaDefaults } from '#gallery/personas';
import {
  distinctN,
  factsNamed,
  gini,
  meanPairwiseJaccard,
  nearDuplicateRate,
  selfRepetition,
  shares,
} from '#gallery/text';
import type { Principal } from '#kernel/auth';
import { effectiveOf, surroundings } from './bot-shape.ts';
import { hoursApart } from './hours-apart.ts';
import { roomLimits } from './limits.ts';
import { readBots } from './queries/bot-row.ts';
import {
  actsByBot,
  attention,
  readSaid,
  type SaidRow,
  sumBots,
  sumDecisions,
  thinkTimes,
  type Window,
} from './queries/measures.ts';
import type { Room } from './room.ts';
import { percent, type WindowInput, wantedOf, windowOf } from './stats.ts';

/** Enough for every measure to stand still; more is sampled from the newest. */
const textsMax = 4_000;

/**
 * How alive and how different the fleet is over a window. What cannot be said because there is nothing to say it of is `null`,
 * never 0. All measures but the counts are over the newest texts when there are more than a few thousand (`sampled`).
 */
export async function evaluateGallery(room: Room, who: Principal, input: WindowInput): Promise<GalleryEvaluation> {
  await room.ready(who.projectId);
  const window = windowOf(room, who, input);
  const [said, acts, seen, bots, decisions] = await Promise.all([
    readSaid(room.db, window, textsMax + 1),
    actsByBot(room.db, window),
    attention(room.db, window),
    sumBots(room.db, who.projectId, null, personaDefaults.odds),
    sumDecisions(room.db, window, null),
  ]);
  const rows = said.slice(0, textsMax).filter(({ content }) => content !== '');
  const texts = rows.map(({ content }) => content);
  const some = <T>(value: () => T): T | null => (texts.length === 0 ? null : value());
  const style = some(() => shares(texts));
  const cost = decisions.reduce((total, row) => total + row.costMicros, 0);
  const kept = acts.reduce((total, row) => total + row.acts, 0);
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    texts: texts.length,
    distinct1: some(() => distinctN(texts, 1)),
    distinct2: some(() => distinctN(texts, 2)),
    meanPairwiseJaccard:
      texts.length < 2 ? null : meanPairwiseJaccard(texts, drawsOf('gallery.evaluation', texts.length)),
    nearDuplicateRate: some(() => nearDuplicateRate(texts)),
    selfRepetition: some(() => selfRepetition(byBot(rows))),
    questions: style?.questions ?? null,
    suggestions: style?.suggestions ?? null,
    praise: style?.praise ?? null,
    factsNamed: namedShare(rows),
    mix: { wanted: percent(wantedOf(bots)), done: percent(doneOf(decisions)) },
    hoursVsCurve: await hoursVsCurve(room, who, window),
    giniActivity: acts.length === 0 ? null : gini(acts.map((row) => row.acts)),
    giniAttention: seen.length === 0 ? null : gini(seen),
    costPerKeptActMicros: kept === 0 ? null : Math.round(cost / kept),
    sampled: said.length > textsMax,
  };
}

function byBot(rows: readonly SaidRow[]): string[][] {
  const groups = new Map<string, string[]>();
  for (const { botId, content } of rows) groups.set(botId, [...(groups.get(botId) ?? []), content]);
  return [...groups.values()];
}

/** Of comments and replies on items of the fleet, whose facts are known. */
function namedShare(rows: readonly SaidRow[]): number | null {
  const facts = new Map(rows.flatMap(({ remoteId, facts }) => (remoteId !== null && facts ? [[remoteId, facts]] : [])));
  const pairs = rows.flatMap(({ kind, itemId, content, facts: own }) => {
    const known = own ?? (itemId === null ? undefined : facts.get(itemId));
    return kind === 'post' || !known || known.length === 0 ? [] : [{ text: content, facts: known }];
  });
  return pairs.length === 0 ? null : factsNamed(pairs);
}

function doneOf(decisions: readonly { kind: string; result: string; n: number }[]): Record<ActKind, number> {
  const done = { post: 0, comment: 0, reply: 0, like: 0, browse: 0 };
  for (const { kind, result, n } of decisions) {
    const known = actKinds.find((candidate) => candidate === kind);
    if (known && result === 'acted') done[known] += n;
  }
  return done;
}

/** Local hours in which bots thought against the hours their curves give them. */
async function hoursVsCurve(room: Room, who: Principal, window: Window): Promise<number | null> {
  const times = await thinkTimes(room.db, window, roomLimits.measureRowsMax);
  if (times.length === 0) return null;
  const ids = [...new Set(times.map(({ botId }) => botId))].slice(0, 1_000);
  const [bots, around] = await Promise.all([
    readBots(room.db, who.projectId, ids),
    surroundings(room, room.db, who.projectId, null),
  ]);
  const known = new Map(bots.map((bot) => [bot.id, effectiveOf(bot, around)]));
  return hoursApart(
    times.flatMap(({ botId, at }) => {
      const traits = known.get(botId);
      return traits ? [{ at: at.getTime(), timezone: traits.timezone, curve: traits.curve, botId }] : [];
    }),
  );
}
