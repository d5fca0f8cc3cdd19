import { type ActKind, type BotCaps, galleryLimits } from '@muster/protocol';
import {
  type Actor,
  type BotRow,
  type Decision,
  type Draws,
  drawsOf,
  type EffectiveTraits,
  type FleetRow,
  type PersonaRow,
  type Publication,
  type Scene,
  type Situation,
  type TargetRow,
  type Thought,
} from '#gallery/model';
import { plainPersona } from '#gallery/personas';
import type { TargetClient } from '#gallery/targets';
import type { Offer } from './candidates.ts';
import type { Due, ThinkEnd, ThinkResult } from './contract.ts';
import type { Recall } from './memory-recall.ts';
import type { World } from './observe.ts';
import type { Barred } from './spacing.ts';
import type { ThinkBounds, ThinkingDeps } from './think-deps.ts';
import { thoughtIdOf } from './think-id.ts';

/** What happened to the bot, as its state machine hears it. */
export type BotEvent =
  | { type: 'ok' }
  | { type: 'sleep'; until: number; reason: string }
  | { type: 'fail'; reason: string }
  | { type: 'broken'; reason: string };

/** How a think ends. `event: null`: it is put off, nothing is written and the same think comes again. */
export type Ending = {
  result: ThinkResult;
  reason: string | null;
  event: BotEvent | null;
  againAt?: number;
  gate?: NonNullable<ThinkEnd['gate']>;
  error?: Error;
  /** The item is gone from the target: what the bot knows of it goes as well. */
  gone?: string;
};

/** Ends one think from wherever it is; the others of its batch go on. */
export class Stop extends Error {
  override readonly name = 'Stop';
  readonly ending: Ending;

  constructor(ending: Ending) {
    super(ending.reason ?? ending.result);
    this.ending = ending;
  }
}

export type Verdict = { check: string; ok: boolean; reason: string | null };
export type Decided = {
  decision: Decision;
  offer: Offer | null;
  by: 'odds' | 'mind';
  /** `odds` when no mind was asked. */
  mind: string;
};

/** One thing to be done at the target. */
export type Planned = {
  kind: Exclude<ActKind, 'browse'>;
  itemId: string | null;
  /** The comment a reply answers. */
  parentId: string | null;
  /** Caption or comment, as it goes out. */
  content: string;
  author: string | null;
  publication: Publication | null;
};

/** One think, from its due time to its end. Filled step by step, in the order of the fields. */
export type One = {
  readonly due: Due;
  readonly bot: BotRow;
  readonly at: number;
  readonly thoughtId: string;
  /** 0: an act beside the bot's thinks, done once more for a person. */
  readonly advance: 0 | 1;
  readonly fleet: FleetRow;
  readonly target: TargetRow;
  readonly client: TargetClient;
  readonly actor: Actor;
  readonly traits: EffectiveTraits;
  readonly persona: PersonaRow;
  readonly caps: BotCaps;
  readonly bounds: Pick<ThinkBounds, 'memoryPerBotMax' | 'relationsPerBotMax'>;
  readonly draws: (purpose: string, ...more: readonly (string | number)[]) => Draws;
  /** Reservations that its last commit settles, with what was used; `null`: all of it. */
  readonly reserved: Map<string, Readonly<Record<string, number>> | null>;
  world?: World;
  seen?: {
    world: World;
    recall: Recall;
    offers: Offer[];
    odds: Readonly<Partial<Record<ActKind, number>>>;
    barred: Barred;
  };
  decided?: Decided;
  /** The last one a mind was given. */
  situation?: Situation;
  /** Of all calls of this think. */
  cost: {
    tokensIn: number;
    tokensOut: number;
    costMicros: number;
    latencyMs: number;
    calls: number;
    injections: number;
  };
  fellBackFrom?: NonNullable<Thought['fellBackFrom']>;
  used: readonly { id: string }[];
  verdicts: Verdict[];
  scene?: Scene;
  /** How often a painter was paid, or may have been, for this thought without a picture to show for it. */
  paintings?: number;
  planned?: Planned;
  /** Opened in the ledger. */
  opened?: boolean;
  /** A like whose toggle had to be pressed back. */
  corrected?: boolean;
  outcome?: { state: 'done' | 'failed' | 'dropped'; outcome: string | null; remoteId: string | null };
  ending?: Ending;
  /** The row after an earlier act of it was looked after, which took the place of this think. */
  movedOn?: BotRow;
};

/** What stands for the persona of a bot that has none. */
const noPersona = (): PersonaRow => ({ id: '', version: 0, body: plainPersona(), builtIn: true });

/** Throws `Stop` when rows that it needs are not there. */
export async function beginOne(
  deps: Pick<ThinkingDeps, 'view' | 'targets' | 'bounds'>,
  due: Due,
  at: number,
  as: { thoughtId?: string; seed?: number; traits?: Partial<EffectiveTraits> } = {},
): Promise<One> {
  const { bot } = due;
  const fleet = deps.view.fleet(bot.projectId);
  const target = deps.view.target(bot.projectId, bot.targetId);
  const persona = bot.personaId === null ? noPersona() : deps.view.persona(bot.projectId, bot.personaId);
  if (!fleet || !target || !persona) {
    throw new Stop({ result: 'put_off', reason: 'restoring', event: null, againAt: at + 5_000 });
  }
  const seed = as.seed ?? fleet.seed;
  return {
    due,
    bot,
    at,
    thoughtId: as.thoughtId ?? thoughtIdOf(seed, bot.id, bot.thinkNo),
    advance: as.thoughtId === undefined ? 1 : 0,
    fleet,
    target,
    client: await clientOf(deps, target),
    actor: { botId: bot.id, username: bot.username },
    traits: { ...deps.view.traitsOf(bot), ...as.traits },
    persona,
    caps: { ...fleet.botCaps, ...bot.caps },
    bounds: { ...galleryLimits, ...deps.bounds },
    draws: (...purpose) => drawsOf(seed, bot.id, bot.thinkNo, ...purpose),
    reserved: new Map(),
    cost: { tokensIn: 0, tokensOut: 0, costMicros: 0, latencyMs: 0, calls: 0, injections: 0 },
    used: [],
    verdicts: [],
  };
}

const clients = new WeakMap<TargetRow, Promise<TargetClient>>();

/** The same for as long as the view shows the same row: nobody has to look it up for each think. */
function clientOf({ targets }: Pick<ThinkingDeps, 'targets'>, row: TargetRow): Promise<TargetClient> {
  let client = clients.get(row);
  if (!client) {
    client = targets.of(row.projectId, row.id);
    clients.set(row, client);
    client.catch(() => clients.delete(row));
  }
  return client;
}

/** What `observe` found; asked only after it. */
export function seenBy(one: One): NonNullable<One['seen']> {
  if (!one.seen) throw new Error(`invariant broken: think ${one.thoughtId} has not looked yet`);
  return one.seen;
}
