import { fleetCapDefaults, fleetScope, personaScope, targetScope } from '#gallery/minds';
import type { Mind } from '#gallery/model';
import { Sameness } from '#gallery/text';
import { asError } from '#kernel/base';
import type { Due } from './contract.ts';
import { actId, settling } from './ledger.ts';
import { Recalls, saidBy } from './memory-recall.ts';
import { Watch } from './observe.ts';
import { readFleetWords } from './queries/see.ts';
import type { ThinkingDeps } from './think-deps.ts';
import { sameKey } from './think-id.ts';
import type { One } from './think-one.ts';
import { type Reserving, reserving } from './think-reserve.ts';
import type { Pending } from './write-check.ts';

const fleetWordsMax = 5_000;
/** How long it is believed that money is, or is not, capped. */
const cappedFreshMs = 5_000;
const cappedMax = 1_000;

/**
 * What thinks of one process share: views of targets, what bots remember and said. All of it can be read again; nothing here
 * decides what only rows may decide.
 */
export class ThinkParts {
  readonly deps: ThinkingDeps;
  readonly sameness = new Sameness();
  readonly recalls = new Recalls(this.sameness);
  readonly reserving: Reserving;
  readonly #settling: ReturnType<typeof settling>;
  readonly #watches = new Map<string, Watch>();
  readonly #pending = new Map<string, Pending>();
  readonly #words = new Map<string, Promise<void>>();
  readonly #capped = new Map<string, { at: number; capped: Promise<boolean> }>();
  readonly #written: () => Promise<void>;
  #paidCalls = 0;

  /** `written`: the rows say all that thinks of this process did so far. */
  constructor(deps: ThinkingDeps, written: () => Promise<void> = () => Promise.resolve()) {
    this.deps = deps;
    this.#written = written;
    this.reserving = reserving(deps);
    this.#settling = settling(deps);
  }

  watch({ client, bot }: Pick<One, 'client' | 'bot'>): Watch {
    const key = `${bot.projectId}\n${bot.targetId}`;
    let watch = this.#watches.get(key);
    if (!watch) {
      watch = new Watch({ ...this.deps, written: this.#written });
      this.#watches.set(key, watch);
    }
    watch.through(client);
    return watch;
  }

  /** Texts on their way to a target, by thought. */
  pending({ bot }: Pick<One, 'bot'>): Pending {
    const key = `${bot.projectId}\n${bot.targetId}`;
    const pending = this.#pending.get(key) ?? new Map();
    this.#pending.set(key, pending);
    return pending;
  }

  mindOf({ traits, fleet }: Pick<One, 'traits' | 'fleet'>): Mind {
    return this.deps.minds.mind(traits.mind, { fallback: fleet.fallbackMind });
  }

  /** The mind of a think that may have to pay. A price nobody knows matters only where money is capped. */
  async payingMindOf(one: Pick<One, 'traits' | 'fleet' | 'bot' | 'caps'>): Promise<Mind> {
    const mind = this.mindOf(one);
    if (mind.kind === 'free' || (await this.unpricedOf(one)) === 'refuse') return mind;
    return this.deps.minds.mind(one.traits.mind, { fallback: one.fleet.fallbackMind, unpriced: 'allow' });
  }

  async unpricedOf({ bot, caps }: Pick<One, 'bot' | 'caps'>): Promise<'refuse' | 'allow'> {
    if (typeof caps.money === 'number') return 'refuse';
    const { projectId, targetId, personaId } = bot;
    const key = JSON.stringify([projectId, targetId, personaId]);
    const now = this.deps.clock.now();
    let known = this.#capped.get(key);
    if (!known || Math.abs(now - known.at) >= cappedFreshMs) {
      if (this.#capped.size >= cappedMax) this.#capped.clear();
      known = { at: now, capped: this.#moneyCapped(bot, now) };
      this.#capped.set(key, known);
      known.capped.catch(() => this.#capped.delete(key));
    }
    return (await known.capped) ? 'refuse' : 'allow';
  }

  async #moneyCapped({ projectId, targetId, personaId }: One['bot'], now: number): Promise<boolean> {
    const { budgets, db } = this.deps;
    const scopes = [targetScope(targetId), ...(personaId === null ? [] : [personaScope(personaId)])];
    const lines = await Promise.all([
      budgets.show(db, projectId, fleetScope, now, fleetCapDefaults),
      ...scopes.map((scope) => budgets.show(db, projectId, scope, now)),
    ]);
    return lines.flat().some(({ measure, cap }) => measure === 'money' && cap !== null);
  }

  /**
   * The name of a reservation, for one paid call and never for another: a think begun again, here or by the next owner, must
   * not take over what the call before it may have spent.
   */
  paidId({ thoughtId, due }: Pick<One, 'thoughtId' | 'due'>, what: 'mind' | 'image'): string {
    this.#paidCalls += 1;
    return `${thoughtId}:${due.term}.${this.#paidCalls}:${what}`;
  }

  isPaid({ bot }: Pick<Due, 'bot'>): boolean {
    const fleet = this.deps.view.fleet(bot.projectId);
    if (!fleet) return false;
    const traits = this.deps.view.traitsOf(bot);
    return traits.imageSource === 'model' || this.mindOf({ traits, fleet }).kind === 'paid';
  }

  /** Makes sure that what the fleet said on this target is known; read once for each life of the process. */
  async fleetWords({ bot }: Pick<One, 'bot'>): Promise<void> {
    const { projectId, targetId } = bot;
    const key = `${projectId}\n${targetId}`;
    let reading = this.#words.get(key);
    if (!reading) {
      const read = () => readFleetWords(this.deps.db, { projectId, targetId, most: fleetWordsMax });
      reading = this.#written()
        .then(read)
        .then((rows) =>
          this.sameness.loadFleet(
            sameKey(bot),
            rows.flatMap(({ kind, content, prompt }) => saidBy(kind, content, prompt)),
          ),
        );
      this.#words.set(key, reading);
      reading.catch(() => this.#words.delete(key));
    }
    await reading;
  }

  /** What a think has cost that is not closed. The unit of an act that stays open stays with it. */
  async settle(one: One): Promise<void> {
    const settles = [...one.reserved].flatMap(([id, used]) =>
      id === actId(one.thoughtId) ? [] : [used === null ? { id } : { id, used }],
    );
    if (settles.length === 0) return;
    const outcomes = await this.#settling.do(settles);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    // A reservation that is not settled counts as spent when its time is over.
    if (failed)
      this.deps.telemetry.logger.warn({ error: asError(failed.reason) }, 'spend not settled; all of it counts');
  }

  forget(botId?: string): void {
    this.recalls.forget(botId);
    if (botId !== undefined) return;
    for (const watch of this.#watches.values()) watch[Symbol.dispose]();
    this.#watches.clear();
    this.#words.clear();
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches.values()) watch[Symbol.dispose]();
  }
}
