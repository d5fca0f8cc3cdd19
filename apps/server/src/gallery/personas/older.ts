import {
  galleryLimits as limits,
  type Persona,
  type SceneFamily,
  type Tier,
  tierIntervals,
  tiers,
} from '@muster/protocol';
import { blanksOf, isSituationBlank } from '#gallery/text';
import { invalid } from '#kernel/base';
import { plainPersona } from './built-in.ts';
import { personaDefaults } from './effective.ts';

/* Personas as older fleets kept them. What they never had (comments, replies, a lexicon) comes from the plain persona. */

const olderKeys = [
  'probabilities',
  'activity_schedule',
  'activity_tier',
  'workflow_types',
  'caption_templates',
  'prompt_templates',
  'name_templates',
  'username_prefix',
] as const;
type Row = Readonly<Record<string, unknown>>;

/** Whether a row is in the older form: any of its keys is enough. */
export const matchesOlder = (row: Row): boolean => olderKeys.some((key) => key in row);

/** Older blanks and what they are now. */
const aliases: Readonly<Record<string, string>> = {
  subject: 'motif',
  topic: 'motif',
  theme: 'motif',
  object: 'motif',
  item: 'motif',
  noun: 'motif',
  concept: 'motif',
  color: 'tone',
  colour: 'tone',
  colors: 'tone',
  palette: 'tone',
  adjective: 'quality',
  style: 'manner',
  technique: 'manner',
  time: 'daypart',
  time_of_day: 'daypart',
  day: 'weekday',
  mood: 'mood',
};

/** The same persona in our form, yet to be checked. Throws `invalid` `unknown_blank` or `persona_invalid`. */
export function fromOlder(row: Row): { body: unknown; notes: readonly string[] } {
  const plain = plainPersona();
  const notes: string[] = [];
  const title = text(row['name']) ?? text(row['title']) ?? text(row['id']) ?? 'imported persona';
  const id = text(row['id']) ?? slug(title);
  const tier = tierOf(row['activity_tier'], notes);
  const interests = lines(row, 'interests') ?? [];
  const names = namesOf(row, plain);
  const body = {
    id,
    title,
    weight: typeof row['weight'] === 'number' ? row['weight'] : 1,
    tier,
    ...scheduleOf(row['activity_schedule'], notes),
    odds: oddsOf(row['probabilities']),
    language: text(row['language']) ?? 'en',
    personality: text(row['personality']) ?? text(row['description']) ?? plain.personality,
    vibe: text(row['vibe']) ?? plain.vibe,
    interests: padded(
      interests.map((interest) => interest.slice(0, limits.interestCharsMax)),
      plain.interests,
      6,
    ).slice(0, limits.interestsMax),
    style: plain.style,
    recipes: recipesOf(row['workflow_types'], notes),
    usernamePrefix: prefixOf(row['username_prefix'], id),
    nameParts: names,
    motifs: padded(interests, plain.motifs, 24),
    captionFrames: padded(framesOf(row, 'caption_templates', plain), plain.captionFrames, 12),
    commentFrames: plain.commentFrames,
    replyFrames: plain.replyFrames,
    promptFrames: padded(framesOf(row, 'prompt_templates', plain), plain.promptFrames, 12),
    lexicon: plain.lexicon,
  };
  return { body, notes };
}

function oddsOf(value: unknown): Persona['odds'] {
  if (value === undefined) return { ...personaDefaults.odds };
  const given = object(value, '/probabilities');
  const weight = (kind: string): number => {
    const number = given[kind] ?? 0;
    if (typeof number !== 'number' || !(number >= 0)) bad(`/probabilities/${kind}`, 'expected a number from 0');
    return number;
  };
  const [post, comment, like, reply] = [weight('post'), weight('comment'), weight('like'), weight('reply')];
  const browse = given['browse'] === undefined ? Math.max(0.05, 1 - post - comment - like - reply) : weight('browse');
  return { post, comment, reply, like, browse: Math.round(browse * 1e6) / 1e6 };
}

function scheduleOf(value: unknown, notes: string[]): { timezone: string; curve: number[][] } {
  if (value === undefined) return { timezone: 'UTC', curve: personaDefaults.curve.map((day) => [...day]) };
  const given = object(value, '/activity_schedule');
  const numbers = (key: string, below: number): number[] | undefined => {
    const list = given[key];
    if (list === undefined || list === null) return undefined;
    if (!Array.isArray(list) || list.some((one) => !Number.isInteger(one) || one < 0 || one >= below)) {
      bad(`/activity_schedule/${key}`, `expected whole numbers from 0 to ${below - 1}`);
    }
    return list as number[];
  };
  const factor = (key: string, otherwise: number): number => {
    const number = given[key] ?? otherwise;
    if (typeof number !== 'number' || !(number >= 0)) bad(`/activity_schedule/${key}`, 'expected a number from 0');
    if (number > limits.curveHighest) notes.push(`${key} ${number} became ${limits.curveHighest}`);
    return Math.min(number, limits.curveHighest);
  };
  const hours = new Set(numbers('peak_hours', 24));
  const days = new Set(numbers('active_days', 7) ?? [0, 1, 2, 3, 4, 5, 6]);
  const [peak, off] = [factor('peak_multiplier', 1), factor('off_peak_multiplier', hours.size > 0 ? 0.25 : 1)];
  const curve = Array.from({ length: 7 }, (_, day) =>
    Array.from({ length: 24 }, (_, hour) => (days.has(day) ? (hours.has(hour) ? peak : off) : 0)),
  );
  return { timezone: text(given['timezone']) ?? 'UTC', curve };
}

function tierOf(value: unknown, notes: string[]): Tier {
  if (value === undefined) return personaDefaults.tier;
  if (typeof value === 'string') return knownTier(value);
  const given = object(value, '/activity_tier');
  const seconds = given['min_action_interval_seconds'];
  if (typeof given['tier'] === 'string') {
    const tier = knownTier(given['tier']);
    if (typeof seconds === 'number' && seconds * 1000 !== tierIntervals[tier].minIntervalMs) {
      notes.push(`intervals of its own became those of tier ${tier}; bots can have their own`);
    }
    return tier;
  }
  if (typeof seconds !== 'number') return bad('/activity_tier/tier', `expected one of ${tiers.join(', ')}`);
  const distance = (tier: Tier): number =>
    Math.abs(Math.log(tierIntervals[tier].minIntervalMs / Math.max(1, seconds * 1000)));
  const nearest = tiers.reduce((best, tier) => (distance(tier) < distance(best) ? tier : best));
  notes.push(`at least ${seconds} s became tier ${nearest}`);
  return nearest;
}

const knownTier = (name: string): Tier =>
  tiers.find((tier) => tier === name) ?? bad('/activity_tier/tier', `expected one of ${tiers.join(', ')}`);

/** Words of older work flows, and the families of pictures that come nearest. */
const familiesOf: readonly (readonly [RegExp, SceneFamily])[] = [
  [/qr/i, 'qr'],
  [/chart|graph|data|viz|plot|stat|diagram/i, 'chart'],
  [/poster|banner|market|social|meme|quote|event|headline/i, 'poster'],
  [/pixel|sprite|retro|8.?bit|character|avatar/i, 'pixel'],
  [/pattern|tile|texture|abstract|geometr|wallpaper|shape/i, 'pattern'],
  [/product|mockup|object|3d|packag|shop/i, 'product'],
  [/card|food|recipe|menu|note|info/i, 'card'],
  [/landscape|scene|photo|nature|sky|city|space|art|paint|image|generate|transform/i, 'landscape'],
];

function recipesOf(value: unknown, notes: string[]): Persona['recipes'] {
  const types = Array.isArray(value) ? value.filter((type) => typeof type === 'string') : [];
  const recipes: Partial<Record<SceneFamily, number>> = {};
  for (const type of types) {
    const family = familiesOf.find(([word]) => word.test(type))?.[1];
    if (family) recipes[family] = (recipes[family] ?? 0) + 1;
    else notes.push(`workflow type ${JSON.stringify(type.slice(0, 40))} has no family of pictures`);
  }
  return Object.keys(recipes).length > 0 ? recipes : { ...personaDefaults.recipes };
}

function framesOf(row: Row, key: string, plain: Persona): string[] {
  return (lines(row, key) ?? []).map((line, i) => {
    // `{{name}}`, `%{name}` and `<name>` were all in use.
    const frame = line
      .replaceAll(/\{\{\s*(\w+)\s*\}\}|[%#$]\{\s*(\w+)\s*\}/g, (_, a?: string, b?: string) => `{${a ?? b}}`)
      .replaceAll(/\{\s*(\w+)\s*\}/g, (_, name: string) => {
        const lower = name.toLowerCase();
        if (isSituationBlank(lower) && lower !== 'time' && lower !== 'colour') return `{${lower}}`;
        return `{${Object.hasOwn(aliases, lower) ? aliases[lower] : lower}}`;
      });
    const lost = blanksOf(frame)?.find((name) => !isSituationBlank(name) && !Object.hasOwn(plain.lexicon, name));
    if (lost !== undefined) unknownBlank(`/${key}/${i}`, lost);
    return frame;
  });
}

const nameBlanks = new Set(
  'n number num id index first last word adjective noun animal color colour suffix'.split(' '),
);

function namesOf(row: Row, plain: Persona): [string[], string[]] {
  const templates = (lines(row, 'name_templates') ?? []).map((line, i) =>
    line
      .replaceAll(/[%#$]?\{+\s*(\w*)\s*\}+/g, (_, name: string) => {
        if (!nameBlanks.has(name.toLowerCase())) unknownBlank(`/name_templates/${i}`, name);
        return ' ';
      })
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
  const [first, second] = plain.nameParts;
  return [padded(templates.filter(Boolean), first, 12), [...second]];
}

function prefixOf(value: unknown, id: string): string {
  const wanted = slug(text(value) ?? id)
    .replaceAll('-', '_')
    .replace(/_+$/, '');
  return (/^[a-z]/.test(wanted) ? wanted : `b_${wanted}`).slice(0, 15);
}

function lines(row: Row, key: string): string[] | undefined {
  const value = row[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string')) bad(`/${key}`, 'expected a list of texts');
  return (value as string[]).filter((line) => line.trim() !== '');
}

/** Without repetitions, and filled up from `others` until there are enough. */
function padded(own: readonly string[], others: readonly string[], min: number): string[] {
  const all = new Set(own);
  for (const other of others) if (all.size < min) all.add(other);
  return [...all];
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
const slug = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^[_0-9]+|_+$/g, '')
    .slice(0, 40) || 'imported';

function object(value: unknown, pointer: string): Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(pointer, 'expected an object');
  return value as Row;
}
function unknownBlank(pointer: string, name: string): never {
  const detail = `{${name.slice(0, 40)}} is not a blank we can fill`;
  throw invalid('unknown_blank', `${pointer}: ${detail}.`, { errors: [{ pointer, detail }] });
}
function bad(pointer: string, detail: string): never {
  throw invalid('persona_invalid', `${pointer}: ${detail}.`, { errors: [{ pointer, detail }] });
}
