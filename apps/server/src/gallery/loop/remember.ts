import type { ActKind } from '@muster/protocol';
import { galleryLimits } from '@muster/protocol';
import type { BotRow, Situation } from '#gallery/model';
import { must } from '#kernel/base';
import { happeningsOf } from './activity.ts';
import { type BotContext, botAfter } from './bot-after.ts';
import { affinitySteps, closer, reflectionOf, tooMany, tooManyRelations } from './memory.ts';
import type { Done } from './memory-recall.ts';
import { cutTo, plain } from './observe.ts';
import type { BotClose, DecisionRow } from './queries/close.ts';
import type { ClosedAction } from './queries/ledger.ts';
import type { Memory, Relation } from './queries/memory.ts';
import { nextThinkAt, whenDraws } from './schedule.ts';
import type { Emitted, Happening } from './think-deps.ts';
import { furtherId } from './think-id.ts';
import { type BotEvent, type One, seenBy } from './think-one.ts';

/** All that the last commit of a think writes. */
export type Closing = {
  bot: BotClose;
  action: ClosedAction | null;
  decision: DecisionRow;
  added: Memory[];
  removed: Memory[];
  used: { id: string; at: number }[];
  relations: Relation[];
  lost: Relation[];
  happenings: Happening[];
  events: Emitted[];
  settles: { id: string; used?: Readonly<Record<string, number>> }[];
  /** Told only when the row did move there: a command may have come between. */
  moved: { to: 'sleeping' | 'error'; happening: Happening | null; event: Emitted } | null;
  /** For what the bot knows of itself from now on. */
  done: Done | null;
  said: string | null;
  /** Calls of minds it made. */
  calls: number;
  personaId: string | null;
};

const importance = { saw: 1, liked: 2, said: 3, made: 4, heard: 5, heardPerson: 7, reflected: 8 } as const;

/** What a think that is over leaves behind. Pure: `ending`, `outcome` and what led there are in the think. */
export function closingOf(one: One): Closing {
  const ending = must(one.ending, 'the end of a think');
  const { bot, at, due, thoughtId } = one;
  const acted = ending.result === 'acted';
  const kind: ActKind | null = acted ? (one.decided?.decision.do as ActKind) : null;
  const left = memoriesOf(one);
  return {
    bot: {
      ...botCloseOf(one, ending.event ?? { type: 'ok' }),
      id: bot.id,
      shard: bot.shard,
      term: String(due.term),
      thinkNo: bot.thinkNo,
      // An act beside the thinks moves no state: no row has this generation.
      generation: one.advance === 1 ? bot.generation : -1,
      advance: one.advance,
      kind,
      skips: ending.result === 'skipped' || ending.result === 'blocked' || ending.result === 'dropped' ? 1 : 0,
      failed: ending.result === 'failed' ? 1 : 0,
      costMicros: one.cost.costMicros,
      actedAt: acted && kind !== 'browse' ? at : null,
      lastError: ending.result === 'failed' ? lastErrorOf(one) : null,
      at,
    },
    action: one.opened ? { thoughtId, at, ...must(one.outcome, 'the outcome of an act that was opened') } : null,
    decision: decisionOf(one),
    ...left,
    used: one.used.map(({ id }) => ({ id, at })),
    happenings: happeningsOf(one),
    events: eventsOf(one),
    settles: [...one.reserved].map(([id, used]) => (used === null ? { id } : { id, used })),
    moved: movedOf(one),
    done: acted && one.planned ? doneOf(one) : null,
    said: acted && one.planned && one.planned.content !== '' ? one.planned.content : null,
    calls: one.cost.calls,
    personaId: bot.personaId,
  };
}

/** The row as `closeBots` leaves it, where no command comes between. */
export const rowAfter = (
  bot: BotRow,
  { advance, kind, state, reason, sleepUntil, retryAt, nextThinkAt: next, failures }: BotClose,
): BotRow => ({
  ...bot,
  thinkNo: bot.thinkNo + advance,
  counts: kind === null ? bot.counts : { ...bot.counts, [kind]: bot.counts[kind] + 1 },
  ...(advance === 1 ? { state, reason, sleepUntil, retryAt, nextThinkAt: next, failures } : {}),
});

/** A bot that goes to sleep, or rests after failures: of one bot that is news. */
function movedOf(one: One): Closing['moved'] {
  const { bot, ending, at, thoughtId } = one;
  if (one.advance === 0) return null;
  const { state, reason, sleepUntil } = afterThink(one, ending?.event ?? { type: 'ok' });
  if (state === bot.state || (state !== 'sleeping' && state !== 'error')) return null;
  const told = { projectId: bot.projectId, botId: bot.id, ...(reason === null ? {} : { reason }) };
  // What failed is in the feed already.
  if (state === 'error') return { to: state, happening: null, event: { ...told, type: 'gallery.bot.failed' } };
  const until = sleepUntil === null ? '' : ` until ${new Date(sleepUntil).toISOString()}`;
  const happening: Happening = {
    id: furtherId(thoughtId, 'slept'),
    projectId: bot.projectId,
    botId: bot.id,
    botName: bot.name,
    personaId: bot.personaId,
    type: 'slept',
    message: `${bot.name} sleeps${until}: ${reason ?? 'asked to'}.`,
    at,
    thoughtId,
    data: { targetId: bot.targetId, ...(reason === null ? {} : { reason }) },
  };
  return { to: state, happening, event: { ...told, type: 'gallery.bot.slept' } };
}

const lastErrorOf = ({ ending }: One): string =>
  cutTo(plain(ending?.error?.message ?? ending?.reason ?? 'internal'), 500);

function botCloseOf(
  one: One,
  event: BotEvent,
): Pick<BotClose, 'state' | 'reason' | 'sleepUntil' | 'retryAt' | 'nextThinkAt' | 'failures'> {
  const { state, reason, sleepUntil, retryAt, nextThinkAt: next, failures } = afterThink(one, event);
  return { state, reason, sleepUntil, retryAt, nextThinkAt: next, failures };
}

function afterThink(one: One, event: BotEvent): BotRow {
  const { bot, traits, target, fleet, at } = one;
  const rhythm = {
    curve: traits.curve,
    timezone: traits.timezone,
    minIntervalMs: traits.minIntervalMs,
    maxIntervalMs: traits.maxIntervalMs,
    share: target.share,
  };
  const context: BotContext = {
    now: at,
    draws: one.draws('after'),
    next: (stretch) =>
      nextThinkAt({ ...rhythm, from: at, draws: whenDraws(fleet.seed, bot.id, bot.thinkNo + 1), stretch }),
  };
  const after = botAfter(event, bot, context);
  return 'refused' in after ? bot : after.row;
}

export function decisionOf(one: One): DecisionRow {
  const { decided, cost, ending } = one;
  return {
    thoughtId: one.thoughtId,
    projectId: one.bot.projectId,
    botId: one.bot.id,
    at: one.at,
    kind: decided?.decision.do ?? 'nothing',
    why: decided?.decision.why ?? ending?.reason ?? '',
    mind: decided?.mind ?? 'odds',
    result: ending?.result ?? 'failed',
    reason: ending?.reason ?? null,
    tokensIn: cost.tokensIn,
    tokensOut: cost.tokensOut,
    costMicros: cost.costMicros,
    latencyMs: Math.round(cost.latencyMs),
    body: bodyOf(one),
  };
}

/** The situation and the answer, whole enough to decide once more: see `replay`. */
function bodyOf(one: One): Record<string, unknown> {
  const { decided, planned, situation } = one;
  return {
    thinkNo: one.bot.thinkNo,
    seed: one.fleet.seed,
    persona: { id: one.persona.id, version: one.persona.version },
    by: decided?.by ?? null,
    odds: one.seen?.odds ?? {},
    barred: one.seen?.barred ?? {},
    candidates: (one.seen?.offers ?? []).map(({ item, score, waiting }) => ({
      itemId: item.id,
      title: item.title,
      author: item.author?.username ?? null,
      authorIsAgent: item.author?.isAgent ?? null,
      score: Math.round(score * 1_000) / 1_000,
      ...(waiting ? { commentId: waiting.comment.id } : {}),
    })),
    ...(situation ? { situation: toldOf(situation) } : {}),
    decision: decided?.decision ?? null,
    target: decided?.offer?.item.author?.username ?? null,
    targetIsAgent: decided?.offer?.item.author?.isAgent ?? null,
    facts: decided?.offer?.item.facts ?? planned?.publication?.facts ?? [],
    verdicts: one.verdicts,
    ...(one.fellBackFrom ? { fellBackFrom: one.fellBackFrom } : {}),
    ...(one.corrected === true ? { corrected: true } : {}),
    ...(one.cost.injections > 0 ? { injectionsSeen: one.cost.injections } : {}),
  };
}

/**
 * What was told of the candidates that it was not about is not kept, where the odds had decided: no mind is shown it, then or
 * when the thought is lived again, as the same act or as another one on the first of them.
 */
function toldOf({ persona: _persona, ...told }: Situation): Omit<Situation, 'persona'> {
  const { wanted, candidates } = told;
  if (!wanted) return told;
  const kept = candidates.map((candidate, at) =>
    at === 0 || at === wanted.on ? candidate : { ...candidate, caption: '', facts: [], tags: [], thread: [] },
  );
  return { ...told, candidates: kept };
}

function eventsOf({ planned, ending, bot, outcome, opened, target, thoughtId }: One): Emitted[] {
  if (!planned || !opened || !outcome || !ending) return [];
  return [
    {
      projectId: bot.projectId,
      type: `gallery.action.${outcome.state}`,
      botId: bot.id,
      targetId: target.id,
      kind: planned.kind,
      ...(ending.reason === null ? {} : { reason: ending.reason }),
      data: { thoughtId, itemId: planned.itemId, remoteId: outcome.remoteId },
    },
  ];
}

function doneOf(one: One): Done {
  const planned = must(one.planned, 'what was done');
  return {
    thoughtId: one.thoughtId,
    kind: planned.kind,
    itemId: planned.itemId ?? one.outcome?.remoteId ?? null,
    parentId: planned.parentId,
    author: planned.author,
    at: one.at,
  };
}

type Left = Pick<Closing, 'added' | 'removed' | 'relations' | 'lost'>;

/** Memory and relations after this think, and which of them have to go. */
function memoriesOf(one: One): Left {
  if (!one.seen) return { added: [], removed: [], relations: [], lost: [] };
  const { recall } = seenBy(one);
  const { ending } = one;
  const gone = ending?.gone;
  const forgotten = gone === undefined ? [] : recall.memories.filter(({ itemId }) => itemId === gone);
  const kept = recall.memories.filter((memory) => !forgotten.includes(memory));
  const added = [...heardOf(one), ...madeOf(one)].map(
    (memory, n): Memory => ({ id: `${one.thoughtId}-${n}`, at: one.at, ...memory, text: shorten(memory.text) }),
  );
  const reflected = reflectionOf(kept);
  if (reflected !== null) {
    const { reflected: weight } = importance;
    added.push({
      id: `${one.thoughtId}-r`,
      kind: 'reflected',
      text: shorten(reflected),
      itemId: null,
      person: null,
      importance: weight,
      at: one.at,
    });
  }
  const relations = relationsOf(one);
  const all = new Map(recall.relations);
  for (const relation of relations) all.set(relation.person, relation);
  const lost = tooManyRelations([...all.values()], one.at, one.bounds.relationsPerBotMax);
  return {
    added,
    removed: [...forgotten, ...tooMany([...kept, ...added], one.at, one.bounds.memoryPerBotMax)],
    relations: relations.filter((relation) => !lost.includes(relation)),
    lost: lost.filter(({ person }) => recall.relations.has(person)),
  };
}

type Fresh = Omit<Memory, 'id' | 'at'>;
const shorten = (text: string): string => cutTo(text, galleryLimits.memoryCharsMax);

function madeOf(one: One): Fresh[] {
  const { decided, planned, ending, outcome } = one;
  if (ending?.result !== 'acted' || !decided) return [];
  const item = decided.offer?.item ?? null;
  const person = item?.author?.username ?? null;
  const about = { itemId: item?.id ?? null, person };
  const title = item?.title ?? '';
  switch (decided.decision.do) {
    case 'post': {
      const text = `Posted: ${planned?.content ?? ''}`;
      return [{ kind: 'made', text, itemId: outcome?.remoteId ?? null, person: null, importance: importance.made }];
    }
    case 'comment':
      return [
        {
          ...about,
          kind: 'said',
          text: `To ${person} on “${title}”: ${planned?.content ?? ''}`,
          importance: importance.said,
        },
      ];
    case 'reply': {
      const to = planned?.author ?? null;
      return [
        {
          ...about,
          person: to,
          kind: 'said',
          text: `Answered: ${planned?.content ?? ''}`,
          importance: importance.said,
        },
      ];
    }
    case 'like':
      return [{ ...about, kind: 'liked', text: `Liked “${title}” by ${person}`, importance: importance.liked }];
    case 'browse':
      return item ? [{ ...about, kind: 'saw', text: `Saw “${title}” by ${person}`, importance: importance.saw }] : [];
    case 'nothing':
    default:
      return [];
  }
}

/** Each comment that waits is heard once, by the bot's own think. */
function heardOf(one: One): Fresh[] {
  const { offers, recall } = seenBy(one);
  return offers.flatMap(({ waiting, item }): Fresh[] => {
    const author = waiting?.comment.author;
    if (!waiting || !author) return [];
    const text = shorten(`${author.username} said under “${item.title}”: ${waiting.comment.content}`);
    if (recall.memories.some((memory) => memory.kind === 'heard' && memory.text === text)) return [];
    const weight = author.isAgent === false ? importance.heardPerson : importance.heard;
    return [{ kind: 'heard', text, itemId: item.id, person: author.username, importance: weight }];
  });
}

function relationsOf(one: One): Relation[] {
  const { recall } = seenBy(one);
  const met = new Map<string, Relation>();
  const meet = (person: string, isBot: boolean, step: number, exchanged: number): void => {
    const before = met.get(person) ?? recall.relations.get(person);
    met.set(person, closer(before, { person, isBot, at: one.at, step, seen: 1, exchanged }));
  };
  for (const memory of heardOf(one)) {
    const author = seenBy(one).offers.find(({ waiting }) => waiting?.comment.author?.username === memory.person)
      ?.waiting?.comment.author;
    if (author) meet(author.username, author.isAgent === true, affinitySteps.replied, 1);
  }
  const { decided, ending } = one;
  const waiting = decided?.decision.do === 'reply' ? decided.offer?.waiting?.comment.author : null;
  const author = waiting ?? decided?.offer?.item.author;
  if (ending?.result === 'acted' && author && author.username !== one.bot.username) {
    const kind = decided?.decision.do;
    const step = kind === 'like' ? affinitySteps.like : kind === 'browse' ? 0 : affinitySteps.word;
    meet(author.username, author.isAgent === true, step, kind === 'comment' || kind === 'reply' ? 1 : 0);
  }
  return [...met.values()];
}
