import type { Bound, Mind } from '#gallery/model';
import { type Clock, type Limits, notFound, type Random, type Service } from '#kernel/base';
import type { Logger, Metrics } from '#kernel/telemetry';
import { Caller, CallFailed } from './caller.ts';
import { FallbackMind, unknownMind } from './fallback-mind.ts';
import { Lane, type LaneView, NotNow } from './lane.ts';
import { mindLimits as limits } from './limits.ts';
import { createMindMetrics, type MindMetrics } from './metrics.ts';
import { type DegradedEvent, MindHealth } from './mind-health.ts';
import { type Painted, type PaintOrder, paint, paintBound } from './paint-image.ts';
import { costOf, type Price, priceOf } from './prices.ts';
import { ProviderMind } from './provider-mind.ts';
import { callText } from './sdk.ts';
import { type MindSpec, type MindsConfig, type Provider, specNamed } from './settings.ts';
import { TokenRatio } from './token-ratio.ts';

export type MindsOptions = {
  config: MindsConfig;
  /** The built-in mind, which needs nobody. */
  improv: Mind;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: Metrics;
  limits?: Limits;
  /** A mind began, or ceased, to be replaced by its fallback more often than not. */
  onDegraded?: (event: DegradedEvent) => void;
};

export type MindInfo = {
  name: string;
  provider: MindSpec['provider'] | null;
  model: string | null;
  kind: Mind['kind'];
  isDefault: boolean;
  /** Why it is degraded, or `null`. */
  degraded: string | null;
  price: (Price & { known: boolean }) | null;
  lane: LaneView | null;
  calls: number;
  lastError: { at: number; detail: string } | null;
};
export type MindTest = {
  ok: boolean;
  latencyMs: number;
  tokens: { in: number; out: number };
  costMicros: number;
  detail: string;
};
export type MindChoice = {
  /** The fleet's; `null` = the settings', `none` = the think fails. */
  fallback?: string | null;
  unpriced?: 'refuse' | 'allow';
};

/** The minds of this process, by their names. */
export interface Minds extends Service {
  /** Name of the settings' mind: what `null` stands for. */
  readonly defaultName: string;
  /**
   * Never throws: a name nobody knows is a mind that falls back, and says so. `null` is the settings' mind.
   *
   * @example
   * const mind = minds.mind(traits.mind, { fallback: fleet.fallbackMind });
   * const bound = mind.bound(situation); // reserve it, then think, then settle what the thought used
   */
  mind(name: string | null, choice?: MindChoice): Mind;
  /** Whether the name stands for a mind that can be asked. */
  knows(name: string): boolean;
  list(): MindInfo[];
  /** One call of 20 tokens, paid for. Throws `notFound` `mind_unknown`. */
  test(name: string, signal: AbortSignal): Promise<MindTest>;
  /**
   * One picture, by the model for pictures of the named mind or of the settings. Throws `MindError`, whose `used` says
   * what may be on the bill.
   */
  paintImage(name: string | null, order: PaintOrder, signal: AbortSignal): Promise<Painted>;
  /** Throws `MindError` `price_unknown` or `mind_unavailable`. */
  imageBound(name: string | null, order?: Pick<PaintOrder, 'size' | 'unpriced'>): Bound;
  /** Whose model paints for this mind, for a gallery that paints for its bots itself; `null` when no model is set. From memory. */
  imageProvider(name: string | null): Exclude<Provider, 'compatible'> | null;
  health(): { name: string; degraded: boolean; reason: string | null };
}

type Known = { spec: MindSpec; caller: Caller; ratio: TokenRatio };

export class NamedMinds implements Minds {
  readonly defaultName: string;
  readonly #options: MindsOptions;
  readonly #metrics: MindMetrics;
  readonly #known = new Map<string, Known>();
  readonly #painters = new Map<string, Known>();
  readonly #lanes = new Map<string, Lane>();
  readonly #health = new Map<string, MindHealth>();
  readonly #minds = new Map<string, Mind>();
  readonly #stop = new AbortController();

  constructor(options: MindsOptions) {
    this.#options = options;
    this.defaultName = options.config.defaultName;
    this.#metrics = createMindMetrics(options.metrics);
    for (const spec of options.config.specs) this.#know(spec);
    options.limits?.add({
      name: 'gallery.mindCalls',
      unit: 'count',
      value: limits.inFlightMax,
      whenFull: 'Per provider: further calls wait; a think that would wait longer than 20 s is put off.',
      used: () => Math.max(0, ...[...this.#lanes.values()].map((lane) => lane.view().inFlight)),
    });
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the server stops'));
    return Promise.resolve();
  }

  mind(name: string | null, choice: MindChoice = {}): Mind {
    const wanted = name ?? this.defaultName;
    const { unpriced = 'refuse' } = choice;
    const fallback = choice.fallback ?? this.#options.config.fallbackName;
    if (wanted === 'improv') return this.#options.improv;
    const key = `${wanted}\u0000${fallback}\u0000${unpriced}`;
    const made = this.#minds.get(key);
    if (made) return made;
    const mind = this.#make(wanted, fallback, unpriced);
    // Names come from rows: what is kept of them is bounded.
    if (this.#minds.size < 4 * limits.namedMax) this.#minds.set(key, mind);
    return mind;
  }

  knows(name: string): boolean {
    return name === 'improv' || this.#find(name) !== undefined;
  }

  list(): MindInfo[] {
    const { config } = this.#options;
    const improv: MindInfo = {
      name: 'improv',
      provider: null,
      model: null,
      kind: 'free',
      isDefault: this.defaultName === 'improv',
      degraded: this.defaultName === 'improv' ? config.degraded : null,
      price: null,
      lane: null,
      calls: 0,
      lastError: null,
    };
    return [
      improv,
      ...[...this.#known.values()].map(({ spec, caller }) => ({
        name: spec.name,
        provider: spec.provider,
        model: spec.model,
        kind: 'paid' as const,
        isDefault: spec.name === this.defaultName,
        degraded: this.#health.get(spec.name)?.degraded ?? null,
        price: spec.price ? { ...spec.price, known: true } : null,
        lane: caller.lane.view(),
        calls: caller.calls,
        lastError: caller.lastError,
      })),
    ];
  }

  async test(name: string, signal: AbortSignal): Promise<MindTest> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    const took = (): number => Math.round(clock.monotonic() - began);
    const nothing = { tokens: { in: 0, out: 0 }, costMicros: 0 };
    if (name === 'improv') return { ok: true, latencyMs: 0, ...nothing, detail: 'The built-in mind needs no call.' };
    const known = this.#find(name);
    if (!known) throw notFound('mind_unknown', `There is no mind ${name.slice(0, 100)} that could be asked.`);
    const { spec, caller } = known;
    caller.reset();
    try {
      const maxOutputTokens = limits.testTokens + spec.reasoningReserve;
      const { answer } = await caller.call(
        {
          tokens: 64 + maxOutputTokens,
          timeoutMs: limits.textTimeoutMs,
          paidMax: 1,
          retriesMax: 0,
          call: (inner) => callText(spec, { ...testCall, maxOutputTokens }, inner),
        },
        AbortSignal.any([signal, this.#stop.signal]),
      );
      this.#healthOf(name).mended();
      const tokens = { in: answer.tokensIn ?? 0, out: answer.tokensOut ?? 0 };
      const costMicros = (spec.price && costOf(spec.price, tokens)) ?? 0;
      this.#metrics.cost.add({}, costMicros);
      return { ok: true, latencyMs: took(), tokens, costMicros, detail: `It answered: ${answer.text.slice(0, 80)}` };
    } catch (error) {
      if (!(error instanceof CallFailed) && !(error instanceof NotNow)) throw error;
      const reason = error instanceof CallFailed ? error.reason : 'mind_unavailable';
      return { ok: false, latencyMs: took(), ...nothing, detail: `${reason}: ${error.message}` };
    }
  }

  async paintImage(name: string | null, order: PaintOrder, signal: AbortSignal): Promise<Painted> {
    const painter = this.#painter(name);
    const painted = await paint(painter, order, AbortSignal.any([signal, this.#stop.signal]));
    this.#metrics.cost.add({}, painted.costMicros);
    return painted;
  }

  imageBound(name: string | null, order: Pick<PaintOrder, 'size'> = {}): Bound {
    return paintBound(this.#painter(name)?.spec, order);
  }

  imageProvider(name: string | null): Exclude<Provider, 'compatible'> | null {
    const provider = this.#painter(name)?.spec.provider ?? 'compatible';
    return provider === 'compatible' ? null : provider;
  }

  health(): { name: string; degraded: boolean; reason: string | null } {
    const reason = this.#options.config.degraded ?? this.#health.get(this.defaultName)?.degraded ?? null;
    return { name: this.defaultName, degraded: reason !== null, reason };
  }

  /** What paints for this mind: its provider's model for pictures where it has one, else the settings'. */
  #painter(name: string | null): Known | undefined {
    const { imageModel, prices } = this.#options.config;
    const own = name === null ? undefined : this.#find(name)?.spec;
    const model = own?.imageModel ?? null;
    if (!own || model === null) return imageModel ? this.#painterOf(imageModel) : undefined;
    const price = own.price?.images ? own.price : priceOf(prices, `${own.provider}:${model}`);
    return this.#painterOf({ ...own, name: `${own.name} (pictures)`, model, price });
  }

  #painterOf(spec: MindSpec): Known {
    const known = this.#painters.get(spec.name) ?? this.#made(spec);
    this.#painters.set(spec.name, known);
    return known;
  }

  #make(name: string, fallbackName: string, unpriced: 'refuse' | 'allow'): Mind {
    const { clock, improv } = this.#options;
    const known = this.#find(name);
    const wanted = known
      ? new ProviderMind({ ...known, clock, metrics: this.#metrics, unpriced })
      : unknownMind(name.slice(0, 200));
    if (fallbackName === 'none' || (fallbackName === name && known)) return wanted;
    const second = this.#find(fallbackName);
    const fallback = second ? new ProviderMind({ ...second, clock, metrics: this.#metrics, unpriced }) : improv;
    return new FallbackMind({ wanted, fallback, health: this.#healthOf(name), metrics: this.#metrics });
  }

  #find(name: string): Known | undefined {
    const known = this.#known.get(name);
    if (known || this.#known.size >= limits.mindsMax + limits.namedMax) return known;
    const spec = specNamed(this.#options.config, name);
    return spec ? this.#know(spec) : undefined;
  }

  #know(spec: MindSpec): Known {
    const known = this.#made(spec);
    this.#known.set(spec.name, known);
    return known;
  }

  #made(spec: MindSpec): Known {
    const { clock, random, logger } = this.#options;
    // Several minds of one account share its limits.
    const address = `${spec.provider} ${spec.baseUrl} ${spec.key ?? ''}`;
    const lane = this.#lanes.get(address) ?? new Lane(clock, spec);
    this.#lanes.set(address, lane);
    const health = this.#healthOf(spec.name);
    const caller = new Caller({ spec, lane, clock, random, metrics: this.#metrics, logger, health });
    return { spec, caller, ratio: new TokenRatio() };
  }

  #healthOf(name: string): MindHealth {
    const health =
      this.#health.get(name) ??
      new MindHealth(name, this.#options.clock, (event) => {
        const { onDegraded, logger } = this.#options;
        if (onDegraded) onDegraded(event);
        else logger.warn(event, event.degraded ? 'a mind is degraded' : 'a mind works again');
      });
    if (this.#health.size < 4 * limits.namedMax) this.#health.set(name, health);
    return health;
  }
}

const testCall = { rules: 'Answer with the one word ok.', persona: '', situation: 'Say ok.', plain: true };
