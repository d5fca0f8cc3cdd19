import type { BotRow } from '#gallery/model';
import { asError, reach } from '#kernel/base';
import { isStoreDown } from '#kernel/db';
import { act } from './act.ts';
import { endingOfThrow } from './act-fault.ts';
import { askBot } from './ask.ts';
import type { Due, Loop, ThinkEnd, Thinker } from './contract.ts';
import { actId, type ClosingUp, closingUp, type Opening, opening } from './ledger.ts';
import { untilCommitted } from './ledger-gather.ts';
import { previewBot } from './preview.ts';
import { type Closing, closingOf, rowAfter } from './remember.ts';
import { retryAct } from './retry.ts';
import type { ThinkingDeps } from './think-deps.ts';
import { sameKey } from './think-id.ts';
import { beginOne, type One } from './think-one.ts';
import { ThinkParts } from './think-parts.ts';
import { check, decide, offersSeen, readGrown, recallAll, textsOf } from './think-steps.ts';
import { settleOpenOf, verifyOpen } from './verify-open.ts';
import { keepBought, takeBought } from './write-bought.ts';
import { paint } from './write-image.ts';

/** The thinking half of the loop, with what people ask of it besides. */
export type Thinking = Thinker &
  Pick<Loop, 'preview' | 'ask' | 'retry'> &
  AsyncDisposable & {
    /** What is kept in memory of one bot, or of all and their targets, is read again. */
    forget(botId?: string): void;
    /** Its thinks wait for a provider: they go alone, so that they hold up nobody. From memory. */
    isPaid(bot: BotRow): boolean;
  };

/**
 * Puts the thinking half together. One instance for each process: commits of many bots are grouped in it.
 *
 * @example
 * const thinking = createThinking(deps);
 * const ends = await thinking.think([{ bot, dueAt, term, signal, may: () => true }], clock.now());
 */
export function createThinking(deps: ThinkingDeps): Thinking {
  const thinking = new Thoughts(deps);
  const { parts } = thinking;
  return {
    think: (batch, at, ended, how) => thinking.think(batch, at, ended, how),
    written: () => thinking.written(),
    verifyOpen: (shard, term, signal) => verifyOpen(thinking, { shard, term, signal }),
    preview: (bot, options) => previewBot(parts, bot, options),
    ask: (bot, question) => askBot(parts, bot, question),
    retry: (projectId, thoughtId) => retryAct(thinking, projectId, thoughtId),
    forget: (botId) => parts.forget(botId),
    isPaid: (bot) => parts.isPaid({ bot }),
    [Symbol.asyncDispose]: async () => {
      thinking[Symbol.dispose]();
      await thinking.written();
    },
  };
}

/** Told once for each think. */
type Ended = (end: ThinkEnd) => void;
type Over = { one: One; closing: Closing };
/** Ends that were told and whose commit is under way. */
type Behind = { over: readonly Over[]; outcomes: ReturnType<ClosingUp['do']>; ended: Ended };

/**
 * Batches of thinks. Each goes through the same steps in the same order: see · decide · check · paint · open · act · close.
 * Bots of one lane see the world as it was at the start of their batch, and what they do takes effect one after the other, in
 * the order of their due times; between the steps they wait for each other only where that order needs it.
 */
export class Thoughts implements Disposable {
  readonly parts: ThinkParts;
  readonly closingUp: ClosingUp;
  /** Commits of acts beside the thinks: never in one batch with a think of the same bot. */
  readonly besideOpening: Opening;
  readonly besideClosing: ClosingUp;
  readonly #opening: Opening;
  readonly #stop = new AbortController();
  #behind: Behind | undefined;
  #catchingUp = Promise.resolve();

  constructor(deps: ThinkingDeps) {
    this.parts = new ThinkParts(deps, () => this.written());
    this.#opening = opening(deps);
    this.closingUp = closingUp(deps);
    this.besideOpening = opening(deps);
    this.besideClosing = closingUp(deps);
  }

  async think(
    batch: readonly Due[],
    at: number,
    ended: Ended = () => undefined,
    { ahead }: { ahead: boolean } = { ahead: false },
  ): Promise<ThinkEnd[]> {
    const ends = new Map<Due, ThinkEnd>();
    const tell = (due: Due, end: ThinkEnd): void => {
      ends.set(due, end);
      this.parts.deps.counts.thinks.add({ result: end.result });
      ended(end);
    };
    const ones: One[] = [];
    for (const due of batch.toSorted(inOrder)) {
      try {
        ones.push(await beginOne(this.parts.deps, due, at));
      } catch (thrown) {
        const draws = () => ({ whole: (min: number) => min }) as never;
        const ending = endingOfThrow(thrown, { at, due, draws });
        tell(due, {
          botId: due.bot.id,
          result: 'put_off',
          reason: ending.reason,
          againAt: ending.againAt ?? at + 5_000,
        });
      }
    }
    const told = { tell, ...(ahead ? { ahead: ended } : {}) };
    await Promise.all(this.#lanesOf(ones).map((lane) => this.#run(lane, at, told)));
    return batch.map((due) => ends.get(due) ?? { botId: due.bot.id, result: 'put_off', reason: 'internal' });
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.parts[Symbol.dispose]();
  }

  /** A think that waits for a provider, or for a target far away, has a lane of its own: its order hurts nobody. */
  #lanesOf(ones: readonly One[]): One[][] {
    if (this.parts.deps.ordered) return ones.length === 0 ? [] : [[...ones]];
    const lanes = Map.groupBy(ones, (one) =>
      one.target.kind === 'sandbox' && !this.parts.isPaid(one.due) ? sameKey(one.bot) : one.bot.id,
    );
    return [...lanes.values()];
  }

  async #run(lane: readonly One[], at: number, told: Told): Promise<void> {
    await this.#see(lane, at);
    await inTurn(lane, (one) => this.#openOnes(one));
    await together(lane, (one) => readGrown(this.parts, one));
    await together(lane, async (one) => offersSeen(this.parts, one));
    await together(lane, (one) => this.#decide(one));
    await inTurn(lane, (one) => check(this.parts, one));
    await together(lane, (one) => this.#paint(one));
    await this.#open(lane);
    await Promise.all(byItem(lane).map((ones) => inTurn(ones, (one) => this.#act(one))));
    await this.#close(lane, told);
  }

  async #see(lane: readonly One[], at: number): Promise<void> {
    await together(lane, async (one) => {
      one.world = await this.parts.watch(one).look(at);
      await this.parts.fleetWords(one);
    });
    const seeing = lane.filter(going);
    if (seeing.length === 0) return;
    try {
      if (seeing.some(({ bot }) => !this.parts.recalls.get(bot))) await this.written();
      await recallAll(this.parts, seeing);
    } catch (thrown) {
      for (const one of seeing) one.ending = endingOfThrow(thrown, one);
    }
  }

  /** What the bot did and nobody knows the outcome of comes before anything else of it. */
  async #openOnes(one: One): Promise<void> {
    const open = one.seen?.recall.open ?? [];
    if (open.length > 0) await settleOpenOf(this, one, open);
  }

  async #decide(one: One): Promise<void> {
    await takeBought(this.parts.deps, one);
    if (!one.planned) await decide(this.parts, one);
  }

  async #paint(one: One): Promise<void> {
    const { planned, decided } = one;
    if (planned?.kind !== 'post' || planned.publication || !decided) return;
    one.due.drawing?.();
    const publication = await paint(this.parts, one, decided.decision);
    await keepBought(this.parts.deps, one, publication);
    one.planned = { ...planned, publication };
    await reach('gallery.image');
  }

  async #open(lane: readonly One[]): Promise<void> {
    for (const one of lane) {
      if (going(one) && one.planned && !one.due.may()) one.ending = { result: 'dropped', reason: null, event: null };
    }
    const wanting = lane.filter((one) => going(one) && one.planned);
    if (wanting.length === 0) return;
    await this.written();
    const outcomes = await this.#opening.do(wanting);
    for (const [n, one] of wanting.entries()) {
      const outcome = outcomes[n];
      if (outcome?.status === 'rejected') one.ending = endingOfThrow(outcome.reason, one);
      else if (outcome?.value) one.ending = outcome.value;
      else {
        one.opened = true;
        one.reserved.set(actId(one.thoughtId), null);
      }
    }
    await reach('gallery.open');
  }

  async #act(one: One): Promise<void> {
    if (!one.planned) {
      // Looking is all there was to do.
      one.ending = { result: 'acted', reason: null, event: { type: 'ok' } };
      return;
    }
    try {
      await act(this.parts.deps, one, one.planned);
    } catch (thrown) {
      // Whether it was sent nobody can say: it stays open and is looked after first next time.
      const { result: _, ...ending } = endingOfThrow(thrown, one);
      one.ending = { ...ending, result: 'put_off', event: null, againAt: ending.againAt ?? one.at + 5_000 };
    }
  }

  async #close(lane: readonly One[], { tell, ahead }: Told): Promise<void> {
    await this.written();
    const over = lane.map((one) => ({ one, closing: this.#closingOf(one) }));
    for (const { one } of over) this.parts.pending(one).delete(one.thoughtId);
    const closings = over.flatMap(({ one, closing }) => (closing ? [{ one, closing }] : []));
    const committing = this.closingUp.do(closings.map(({ closing }) => closing));
    if (ahead) {
      this.#behind = { over: closings, outcomes: committing, ended: ahead };
      for (const { one, closing } of over) {
        const row = closing ? rowAfter(one.bot, closing.bot) : await this.#putOff(one);
        this.#after(one, closing, row);
        tell(one.due, endOf(one, row ?? one.movedOn));
      }
      return;
    }
    const outcomes = await committing;
    if (closings.length > 0) await reach('gallery.close');
    await Promise.all(
      over.map(async ({ one, closing }) => {
        const n = closings.findIndex((other) => other.one === one);
        const row = closing ? await this.#written(one, closing, outcomes[n]) : await this.#putOff(one);
        this.#after(one, closing, row);
        tell(one.due, endOf(one, row ?? one.movedOn));
      }),
    );
  }

  /** Whatever was told ahead is as it was told, or is told again. */
  written(): Promise<void> {
    const behind = this.#behind;
    this.#behind = undefined;
    if (behind) this.#catchingUp = this.#catchUp(behind);
    return this.#catchingUp;
  }

  async #catchUp(behind: Behind): Promise<void> {
    const outcomes = await behind.outcomes;
    if (outcomes.length > 0) await reach('gallery.close');
    for (const [n, { one, closing }] of behind.over.entries()) {
      const row = await this.#written(one, closing, outcomes[n]);
      const told = rowAfter(one.bot, closing.bot);
      if (row && row.generation === told.generation && row.thinkNo === told.thinkNo) continue;
      this.parts.recalls.forget(one.bot.id);
      behind.ended({ botId: one.bot.id, result: 'put_off', reason: null, stale: true });
    }
  }

  /** `null`: nothing is written of this think, it comes again. */
  #closingOf(one: One): Closing | null {
    const ending = (one.ending ??= {
      result: 'failed',
      reason: 'internal',
      event: { type: 'fail', reason: 'internal' },
    });
    this.#note(one);
    if (ending.event === null) return null;
    // What was not done is given back.
    if (one.opened && one.outcome?.state !== 'done') one.reserved.set(actId(one.thoughtId), nothingDone);
    try {
      return closingOf(one);
    } catch (thrown) {
      const error = asError(thrown);
      this.parts.deps.telemetry.logger.error(
        { error, botId: one.bot.id, thoughtId: one.thoughtId },
        'a think did not close',
      );
      return null;
    }
  }

  /** The database may be away for a while: nothing acts meanwhile, and what was done is written when it is back. */
  async #written(
    one: One,
    closing: Closing,
    outcome: PromiseSettledResult<BotRow | undefined> | undefined,
  ): Promise<BotRow | undefined> {
    if (outcome?.status === 'fulfilled') return outcome.value;
    const { clock, telemetry } = this.parts.deps;
    const { signal } = this.#stop;
    const failed = (error: Error, tries: number): void =>
      telemetry.logger.warn({ error, tries, botId: one.bot.id }, 'the end of a think is not written yet');
    const attempt = async (with_: Closing): Promise<BotRow | undefined> => {
      const [again] = await this.closingUp.do([with_]);
      if (again?.status !== 'fulfilled') throw again?.reason ?? new Error('invariant broken: no outcome');
      return again.value;
    };
    try {
      if (!isStoreDown(outcome?.reason)) throw outcome?.reason ?? new Error('invariant broken: no outcome');
      return await untilCommitted(() => attempt(closing), { clock, signal, failed });
    } catch (thrown) {
      if (signal.aborted) return undefined;
      const error = asError(thrown);
      telemetry.logger.error({ error, botId: one.bot.id, thoughtId: one.thoughtId }, 'the end of a think was refused');
      return await untilCommitted(() => attempt(bare(closing)), { clock, signal, failed }).catch(() => undefined);
    }
  }

  async #putOff(one: One): Promise<undefined> {
    await this.parts.settle(one);
  }

  #after(one: One, closing: Closing | null, row: BotRow | undefined): void {
    const { recalls, sameness } = this.parts;
    if (!row || !closing) {
      recalls.forget(one.bot.id);
      return;
    }
    const removed = new Set(closing.removed.map(({ id }) => id));
    recalls.wrote(one.bot.id, row.thinkNo, {
      added: closing.added,
      removed,
      relations: closing.relations,
      lost: closing.lost.map(({ person }) => person),
      done: closing.done,
      said: closing.said,
    });
    if (one.outcome?.state !== 'done') return;
    for (const { kind, text } of textsOf(one))
      sameness.add(text, { kind, botId: one.bot.id, targetId: sameKey(one.bot) });
    const { planned, world } = one;
    if (!planned?.itemId || !world) return;
    const pile = world.piles.get(planned.itemId) ?? { words: 0, likes: 0 };
    const more = planned.kind === 'like' ? { ...pile, likes: pile.likes + 1 } : { ...pile, words: pile.words + 1 };
    world.piles.set(planned.itemId, more);
  }

  #note(one: One): void {
    const { ending, planned, outcome } = one;
    const { counts, telemetry } = this.parts.deps;
    if (!ending) return;
    if (planned && outcome) {
      counts.actions.add({
        kind: planned.kind,
        outcome: outcome.state === 'done' ? 'done' : (ending.reason ?? outcome.state),
        origin: 'bot',
      });
    }
    if (ending.result === 'acted' && !planned) counts.actions.add({ kind: 'browse', outcome: 'done', origin: 'bot' });
    if (ending.result === 'skipped') counts.skips.add({ reason: ending.reason ?? 'none' });
    if (!ending.error) return;
    const fields = { error: ending.error, botId: one.bot.id, thoughtId: one.thoughtId, reason: ending.reason };
    if (ending.reason === 'internal') telemetry.logger.error(fields, 'a think failed');
    else if (ending.result === 'failed') telemetry.logger.warn(fields, 'a think failed');
    else telemetry.logger.debug(fields, 'a think did not act');
  }
}

type Told = { tell: (due: Due, end: ThinkEnd) => void; ahead?: Ended };

const inOrder = (a: Due, b: Due): number =>
  a.dueAt - b.dueAt || (a.bot.id < b.bot.id ? -1 : a.bot.id > b.bot.id ? 1 : 0);
/** When a think that wrote nothing comes again, unless its ending says so. */
const againMs = 1_000;
const going = (one: One): boolean => one.ending === undefined;
const nothingDone = { acts: 0, posts: 0, comments: 0, likes: 0 } as const;

/** Each for itself and all at once; whoever throws is over, and nobody else. */
async function together(lane: readonly One[], step: (one: One) => Promise<void>): Promise<void> {
  await Promise.all(lane.filter(going).map((one) => guarded(one, step)));
}

/** One after the other, in the order of the lane. */
async function inTurn(lane: readonly One[], step: (one: One) => Promise<void>): Promise<void> {
  for (const one of lane) if (going(one)) await guarded(one, step);
}

/** Whose acts cannot be told apart in their order go at once: a bot acts once, so only those on one item can see each other. */
function byItem(lane: readonly One[]): One[][] {
  const chains = Map.groupBy(lane, (one) => one.planned?.itemId ?? one.thoughtId);
  return [...chains.values()];
}

async function guarded(one: One, step: (one: One) => Promise<void>): Promise<void> {
  try {
    // From its open row on it goes to its end, whoever gave it up: the last look is what stops it then.
    if (!one.opened) one.due.signal.throwIfAborted();
    await step(one);
  } catch (thrown) {
    one.ending = endingOfThrow(thrown, one);
  }
}

/** Without what may have been wrong with it: the act is closed and the bot moves on. */
const bare = (closing: Closing): Closing => ({
  ...closing,
  decision: { ...closing.decision, body: {} },
  added: [],
  removed: [],
  used: [],
  relations: [],
  lost: [],
  moved: null,
  happenings: [],
});

function endOf(one: One, row: BotRow | undefined): ThinkEnd {
  const { ending, bot, at } = one;
  return {
    botId: bot.id,
    result: ending?.result ?? 'put_off',
    reason: ending?.reason ?? null,
    ...(row ? { row } : {}),
    ...(row === undefined ? { againAt: Math.max(ending?.againAt ?? at + againMs, at) } : {}),
    ...(ending?.gate ? { gate: ending.gate } : {}),
  };
}
