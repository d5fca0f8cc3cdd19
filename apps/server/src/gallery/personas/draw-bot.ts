import { galleryLimits as limits, type Persona, type Style, type Tier, type Traits, tiers } from '@muster/protocol';
import { type Draws, drawsOf } from '#gallery/model';
import { invalid } from '#kernel/base';
import { movedCurve } from './curve.ts';

export type DrawnBot = {
  index: number;
  /** uint32, its own from now on. */
  seed: number;
  personaId: string;
  name: string;
  /** The wanted one first, then what the same draw would take instead; all valid and different, at most 200. */
  usernames(): Iterable<string>;
  /** Its tier where it is not the persona's, its curve and its style. */
  traits: Partial<Traits>;
};

const golden = (Math.sqrt(5) - 1) / 2;
const candidatesMax = 200;
const ownTier = 0.75;

/**
 * The bot number `index` of a seed; depends on these two and the catalogue alone, so the first N of 2N are the N. Personas
 * come by the additive recurrence of the golden ratio over their weights: any run of bots has nearly the right mix.
 */
export function drawBot(of: { seed: number; index: number; personas: readonly Persona[] }): DrawnBot {
  const { seed, index } = of;
  const persona = drawPersona(of);
  const draws = drawsOf('gallery.seed', seed, index, 'bot');
  const first = draws.pick(persona.nameParts[0]);
  const second = draws.pick(persona.nameParts[1]);
  const tier = draws.chance(ownTier) ? persona.tier : neighbour(persona.tier, draws);
  const minutes = draws.whole(-60, 60);
  const scale = 0.8 + 0.45 * draws.next();
  return {
    index,
    seed: Math.floor(draws.next() * 2 ** 32),
    personaId: persona.id,
    name: `${first} ${second}`.slice(0, limits.nameCharsMax),
    usernames: () => usernames(persona, first, second, drawsOf('gallery.seed', seed, index, 'username')),
    traits: {
      ...(tier === persona.tier ? {} : { tier }),
      curve: movedCurve(persona.curve, minutes, scale),
      style: noisy(persona.style, draws),
    },
  };
}

function drawPersona({
  seed,
  index,
  personas,
}: {
  seed: number;
  index: number;
  personas: readonly Persona[];
}): Persona {
  // By id: the order in which a table gives them must not matter.
  const sorted = [...personas].sort((a, b) => (a.id < b.id ? -1 : 1));
  const sum = sorted.reduce((total, { weight }) => total + weight, 0);
  const start = drawsOf('gallery.seed', seed, 'personas').next();
  let left = ((start + index * golden) % 1) * sum;
  for (const persona of sorted) {
    left -= persona.weight;
    if (left < 0) return persona;
  }
  const last = sorted.at(-1);
  if (!last) throw invalid('personas_empty', 'There is no persona to draw from.');
  return last;
}

/** The next tier up or down. */
function neighbour(tier: Tier, draws: Draws): Tier {
  const at = tiers.indexOf(tier);
  const near = tiers.filter((_, i) => Math.abs(i - at) === 1);
  return draws.pick(near);
}

/** A little of one's own in the manner of speaking. */
function noisy(style: Style, draws: Draws): Style {
  const near = (value: number, by: number): number =>
    Math.round(100 * Math.min(1, Math.max(0, value + by * (2 * draws.next() - 1)))) / 100;
  const [min, max] = style.lengthWords;
  const from = Math.min(60, Math.max(1, min + draws.whole(-1, 1)));
  return {
    ...style,
    lengthWords: [from, Math.min(60, Math.max(from, max + draws.whole(-2, 2)))],
    emoji: style.emoji === 0 ? 0 : near(style.emoji, 0.06),
    questions: near(style.questions, 0.06),
    praise: near(style.praise, 0.06),
  };
}

function* usernames(persona: Persona, first: string, second: string, draws: Draws): Generator<string> {
  const [a, b] = [plain(first), plain(second)];
  const prefix = plain(persona.usernamePrefix);
  const given = new Set<string>();
  const stems = [`${prefix}_${b}`, `${prefix}_${a}_${b}`, `${a}_${b}`, `${b}_${a}`, `${prefix}_${a}`].map((stem) =>
    // A stem cut in the middle of a word says less, but stays a name.
    stem.replaceAll(/_{2,}/g, '_').replaceAll(/^_|_$/g, ''),
  );
  while (given.size < candidatesMax) {
    const round = given.size;
    const stem = stems[round % stems.length] ?? prefix;
    const tail = round < stems.length ? '' : `_${draws.whole(0, round < 60 ? 99 : 9_999)}`;
    const name = `${stem.slice(0, limits.usernameCharsMax - tail.length)}${tail}`.replaceAll(/_{2,}/g, '_');
    const valid = name.length < limits.usernameCharsMin ? `${name}_bot` : name;
    if (given.has(valid)) {
      // The same stem twice: never endless, since the tail is drawn anew and grows.
      const other = `${valid.slice(0, limits.usernameCharsMax - 6)}_${String(draws.whole(0, 99_999)).padStart(5, '0')}`;
      if (given.has(other)) continue;
      given.add(other);
      yield other;
      continue;
    }
    given.add(valid);
    yield valid;
  }
}

/** What a username may be made of; letters lose their accents first. */
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/['’]/g, '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');

/** Usernames for a copy of a bot: `harbor_ada_2`, `_3`…, at most 200. */
export function* nextUsernames(wanted: string): Generator<string> {
  const stem = wanted.replace(/_\d{1,4}$/, '');
  for (let no = 2; no < candidatesMax + 2; no++) {
    const tail = `_${no}`;
    yield `${stem.slice(0, limits.usernameCharsMax - tail.length)}${tail}`;
  }
}
