import type { CreateBot, GalleryBot, GalleryPersona, PatchBot, TraitName, Traits } from '@muster/protocol';
import { actKinds, galleryLimits as limits, sceneFamilies, tierIntervals } from '@muster/protocol/gallery';
import { formWords } from '../../words/gallery-form.ts';

const words = formWords.checks;

/** A bot as it is being written: its own traits only, all others are inherited. */
export type BotDraft = {
  name: string;
  username: string;
  targetId: string;
  personaId: string | null;
  disclosureLabel: string;
  traits: Partial<Traits>;
};
export type Problems = Readonly<Partial<Record<string, string>>>;

export const traitNames: readonly TraitName[] = [
  'personality',
  'vibe',
  'interests',
  'style',
  'tier',
  'minIntervalMs',
  'maxIntervalMs',
  'timezone',
  'curve',
  'language',
  'odds',
  'recipes',
  'mind',
  'decide',
  'imageSource',
];

export const emptyDraft: BotDraft = {
  name: '',
  username: '',
  targetId: 'sandbox',
  personaId: null,
  disclosureLabel: '',
  traits: {},
};

export function draftOf(bot: GalleryBot): BotDraft {
  const own = traitNames.flatMap((name) => (bot[name] === null ? [] : [[name, bot[name]]]));
  const { name, username, targetId, personaId, disclosureLabel } = bot;
  return { name, username, targetId, personaId, disclosureLabel, traits: Object.fromEntries(own) as Partial<Traits> };
}

const evenCurve = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1));

/** What a bot has where it does not differ, in the words of the server's own rules. */
export function inheritedBy(
  draft: Pick<BotDraft, 'traits'>,
  persona: GalleryPersona | undefined,
  fleetMind: string,
): Traits {
  const tier = draft.traits.tier ?? persona?.tier ?? 'regular';
  const mind = draft.traits.mind ?? fleetMind;
  return {
    personality: persona?.personality ?? '',
    vibe: persona?.vibe ?? '',
    interests: persona?.interests ?? [],
    style: persona?.style ?? {
      lengthWords: [4, 16],
      register: 'plain',
      emoji: 0.1,
      questions: 0.2,
      praise: 0.3,
      punctuation: 'full',
    },
    tier: persona?.tier ?? 'regular',
    ...tierIntervals[tier],
    timezone: persona?.timezone ?? 'UTC',
    curve: persona?.curve ?? evenCurve,
    language: persona?.language ?? 'en',
    odds: persona?.odds ?? { post: 15, comment: 20, reply: 10, like: 30, browse: 25 },
    recipes: persona?.recipes ?? Object.fromEntries(sceneFamilies.map((family) => [family, 1])),
    mind: fleetMind,
    decide: mind === 'improv' ? 'odds' : 'mind',
    imageSource: 'scene',
  };
}

export function usernameProblem(username: string): string | undefined {
  if (username.length < limits.usernameCharsMin) return words.usernameShort;
  if (username.length > limits.usernameCharsMax) return words.usernameLong;
  return /^[a-z0-9_]+$/.test(username) ? undefined : words.usernameSigns;
}

export const zoneProblem = (zone: string): string | undefined => {
  try {
    return Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone === '' ? words.timezone : undefined;
  } catch {
    return words.timezone;
  }
};

const textProblem = (value: string, max: number): string | undefined =>
  value.trim() === '' ? words.empty : value.length > max ? words.long(max) : undefined;

const checkOf: { [Name in TraitName]: (value: Traits[Name], all: Traits) => string | undefined } = {
  personality: (value) => textProblem(value, limits.personalityCharsMax),
  vibe: (value) => textProblem(value, limits.vibeCharsMax),
  interests: (value) => (value.length === 0 ? words.empty : undefined),
  style: ({ lengthWords: [least, most] }) => (least > most ? words.words : undefined),
  tier: () => undefined,
  minIntervalMs: (value, { maxIntervalMs }) =>
    intervalProblem(value) ?? (value > maxIntervalMs ? words.intervalOrder : undefined),
  maxIntervalMs: (value, { minIntervalMs }) =>
    intervalProblem(value) ?? (value < minIntervalMs ? words.intervalOrder : undefined),
  timezone: zoneProblem,
  curve: (value) => (value.some((day) => day.some((speed) => speed > 0)) ? undefined : words.curve),
  language: (value) => (/^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$/.test(value) ? undefined : words.language),
  odds: (value) => (actKinds.some((kind) => value[kind] > 0) ? undefined : words.odds),
  recipes: (value) => (Object.values(value).some((weight) => weight > 0) ? undefined : words.recipes),
  mind: (value) => (value === '' ? words.empty : undefined),
  decide: () => undefined,
  imageSource: () => undefined,
};

const intervalProblem = (ms: number): string | undefined =>
  Number.isFinite(ms) && ms >= limits.intervalMsMin && ms <= limits.intervalMsMax ? undefined : words.interval;

/** What is wrong while it is typed; the server checks again. */
export function problemsOf(draft: BotDraft, inherited: Traits, isNew: boolean): Problems {
  const all = { ...inherited, ...draft.traits };
  const check = (name: TraitName): string | undefined => {
    // Each check takes the value of its own trait; the compiler cannot follow a name that is a variable.
    const one = checkOf[name] as (value: never, every: Traits) => string | undefined;
    return draft.traits[name] === undefined ? undefined : one(all[name] as never, all);
  };
  const found: [string, string | undefined][] = [
    ['name', draft.name.trim() === '' ? words.nameEmpty : undefined],
    ['username', isNew ? usernameProblem(draft.username) : undefined],
    ...traitNames.map((name): [string, string | undefined] => [name, check(name)]),
  ];
  return Object.fromEntries(found.filter(([, problem]) => problem !== undefined));
}

/** What the server refused, by the field it named. */
export function problemsNamed(errors: readonly { pointer: string; detail: string }[] | undefined): Problems {
  return Object.fromEntries((errors ?? []).map(({ pointer, detail }) => [pointer.split('/')[1] ?? '', detail]));
}

export function bodyOf(draft: BotDraft, start: boolean): Pick<CreateBot, 'name' | 'username'> & Partial<CreateBot> {
  const { name, username, targetId, personaId, disclosureLabel, traits } = draft;
  return {
    name: name.trim(),
    username,
    targetId,
    personaId,
    start,
    ...(disclosureLabel.trim() === '' ? {} : { disclosureLabel: disclosureLabel.trim() }),
    ...traits,
  };
}

/** Only what differs; a trait that is no longer its own goes back to the persona. */
export function patchOf(before: BotDraft, after: BotDraft): PatchBot {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const traits = traitNames.flatMap((name) =>
    same(before.traits[name], after.traits[name]) ? [] : [[name, after.traits[name] ?? null]],
  );
  return {
    ...(before.name === after.name ? {} : { name: after.name.trim() }),
    ...(before.personaId === after.personaId ? {} : { personaId: after.personaId }),
    ...(before.disclosureLabel === after.disclosureLabel ? {} : { disclosureLabel: after.disclosureLabel.trim() }),
    ...(Object.fromEntries(traits) as Partial<PatchBot>),
  };
}
