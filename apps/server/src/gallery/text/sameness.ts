import { differingBits, jaccard, type Print, printOf } from './grams.ts';

export type SameKind = 'comment' | 'caption' | 'prompt';
export type Nearest = { where: 'own' | 'thread' | 'fleet'; text: string; likeness: number };
export type SamenessLimits = {
  /** Texts kept of one bot and kind. */
  own: number;
  /** Texts kept of all bots of one target and kind. */
  fleet: number;
  /** Own texts kept in all; past it the bot that was longest not asked about is dropped, and has to be loaded again. */
  ownTotal: number;
  /** Targets kept; the one longest not asked about goes first. */
  targets: number;
};

const defaults: SamenessLimits = { own: 200, fleet: 5_000, ownTotal: 200_000, targets: 64 };
/** From here on two texts are the same. */
const same = 0.8;
const preselectBits = 10;
/** A bot's own texts are few: a preselection so wide that it loses none. */
const ownPreselectBits = 22;

/**
 * What was said before, in memory: a bot's last 200 texts of a kind, and the last 5 000 of all bots of a target. Texts are
 * the same when the Jaccard likeness of their character trigrams is at least 0.8; SimHash preselects whom to compare.
 * Memory is bounded by `SamenessLimits`: some 150 bytes an own text, some 600 a fleet text.
 */
export class Sameness {
  readonly #limits: SamenessLimits;
  /** In the order of use, oldest first, as maps keep it. */
  readonly #bots = new Map<string, Map<SameKind, Ring>>();
  readonly #targets = new Map<string, Map<SameKind, Prints>>();
  #ownTexts = 0;

  constructor(limits: Partial<SamenessLimits> = {}) {
    this.#limits = { ...defaults, ...limits };
  }

  /** The first text found that `text` is the same as: own ones, then the thread's, then the fleet's. */
  find(
    text: string,
    of: { kind: SameKind; botId: string; targetId: string; thread?: readonly string[] },
  ): Nearest | undefined {
    const print = printOf(text);
    const own = this.#used(this.#bots, of.botId)?.get(of.kind)?.find(print);
    if (own) return { where: 'own', ...own };
    for (const said of of.thread ?? []) {
      const likeness = jaccard(print.grams, printOf(said).grams);
      if (likeness >= same) return { where: 'thread', text: said, likeness };
    }
    const fleet = this.#used(this.#targets, of.targetId)?.get(of.kind)?.find(print);
    return fleet && { where: 'fleet', ...fleet };
  }

  /** Only what was really said: after the act. */
  add(text: string, of: { kind: SameKind; botId: string; targetId: string }): void {
    const print = printOf(text);
    this.#addOwn(of.botId, of.kind, text, print);
    this.#addFleet(of.targetId, of.kind, text, print);
  }

  /** Whether the bot's texts are here; else `load` them from the ledger first. */
  knows(botId: string): boolean {
    return this.#bots.has(botId);
  }

  /** Oldest first. Also right for a bot that never said anything: then it is known. */
  load(botId: string, texts: readonly { kind: SameKind; text: string }[]): void {
    this.forget(botId);
    this.#bots.set(botId, new Map());
    for (const { kind, text } of texts) this.#addOwn(botId, kind, text, printOf(text));
  }

  /** Oldest first. */
  loadFleet(targetId: string, texts: readonly { kind: SameKind; text: string }[]): void {
    this.#targets.delete(targetId);
    for (const { kind, text } of texts) this.#addFleet(targetId, kind, text, printOf(text));
  }

  knowsFleet(targetId: string): boolean {
    return this.#targets.has(targetId);
  }

  forget(botId: string): void {
    for (const ring of this.#bots.get(botId)?.values() ?? []) this.#ownTexts -= ring.size;
    this.#bots.delete(botId);
  }

  get sizes(): { bots: number; ownTexts: number; targets: number } {
    return { bots: this.#bots.size, ownTexts: this.#ownTexts, targets: this.#targets.size };
  }

  #addOwn(botId: string, kind: SameKind, text: string, print: Print): void {
    let kinds = this.#used(this.#bots, botId);
    if (!kinds) {
      kinds = new Map();
      this.#bots.set(botId, kinds);
    }
    let ring = kinds.get(kind);
    if (!ring) {
      ring = new Ring(this.#limits.own);
      kinds.set(kind, ring);
    }
    const before = ring.size;
    ring.add(text, print);
    this.#ownTexts += ring.size - before;
    while (this.#ownTexts > this.#limits.ownTotal && this.#bots.size > 1) {
      const [longest] = this.#bots.keys();
      if (longest === undefined) return;
      this.forget(longest);
    }
  }

  #addFleet(targetId: string, kind: SameKind, text: string, print: Print): void {
    let kinds = this.#used(this.#targets, targetId);
    if (!kinds) {
      kinds = new Map();
      this.#targets.set(targetId, kinds);
      const [longest] = this.#targets.keys();
      if (this.#targets.size > this.#limits.targets && longest !== undefined) this.#targets.delete(longest);
    }
    let prints = kinds.get(kind);
    if (!prints) {
      prints = new Prints(this.#limits.fleet);
      kinds.set(kind, prints);
    }
    prints.add(text, print);
  }

  #used<T>(of: Map<string, T>, key: string): T | undefined {
    const found = of.get(key);
    if (found === undefined) return undefined;
    of.delete(key);
    of.set(key, found);
    return found;
  }
}

/** The last texts of one bot: only text and SimHash, since most are never compared. */
class Ring {
  readonly #max: number;
  readonly #texts: string[] = [];
  #hashes = new Uint32Array(32);
  #next = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#texts.length;
  }

  add(text: string, { low, high }: Print): void {
    const at = this.#next;
    this.#next = (at + 1) % this.#max;
    if (2 * at + 2 > this.#hashes.length) {
      const wider = new Uint32Array(2 * this.#hashes.length);
      wider.set(this.#hashes);
      this.#hashes = wider;
    }
    this.#texts[at] = text;
    this.#hashes[2 * at] = low;
    this.#hashes[2 * at + 1] = high;
  }

  find(print: Print): { text: string; likeness: number } | undefined {
    for (const [at, text] of this.#texts.entries()) {
      if (differingBits(print, this.#hashes[2 * at] ?? 0, this.#hashes[2 * at + 1] ?? 0) > ownPreselectBits) continue;
      const likeness = jaccard(print.grams, printOf(text).grams);
      if (likeness >= same) return { text, likeness };
    }
    return undefined;
  }
}

/** The last texts of a fleet, with their trigrams: thousands are looked through for every text. */
class Prints {
  readonly #max: number;
  readonly #texts: string[] = [];
  readonly #grams: Uint32Array[] = [];
  readonly #hashes: Uint32Array;
  #next = 0;

  constructor(max: number) {
    this.#max = max;
    this.#hashes = new Uint32Array(2 * max);
  }

  add(text: string, { grams, low, high }: Print): void {
    const at = this.#next;
    this.#next = (at + 1) % this.#max;
    this.#texts[at] = text;
    this.#grams[at] = grams;
    this.#hashes[2 * at] = low;
    this.#hashes[2 * at + 1] = high;
  }

  find(print: Print): { text: string; likeness: number } | undefined {
    const count = this.#texts.length;
    for (let at = 0; at < count; at++) {
      if (differingBits(print, this.#hashes[2 * at] ?? 0, this.#hashes[2 * at + 1] ?? 0) > preselectBits) continue;
      const grams = this.#grams[at];
      const likeness = grams ? jaccard(print.grams, grams) : 0;
      if (likeness >= same) return { text: this.#texts[at] ?? '', likeness };
    }
    return undefined;
  }
}
