import type { Candidate } from '#gallery/model';
import { type Noun, nounOf } from './nouns.ts';

/** What is truly known of a picture, sorted by how it can be spoken of. */
export type Known = {
  things: readonly Noun[];
  places: readonly Noun[];
  colours: readonly string[];
  weathers: readonly string[];
  /** With their preposition: `at dusk`. */
  times: readonly string[];
  /** `three gulls`, `14 bars`. */
  numbers: readonly string[];
  /** Texts in the picture. */
  words: readonly string[];
};

const colourWords = new Set(
  `red orange yellow green blue indigo violet purple pink brown black white grey gray teal cyan magenta turquoise ochre ocher
  amber gold golden silver copper crimson scarlet maroon rust coral peach apricot cream ivory beige tan sand khaki olive lime
  mint jade emerald sage moss navy cobalt azure slate charcoal ink plum lavender lilac mauve rose salmon umber sienna saffron
  mustard terracotta ultramarine vermilion sepia bone ash cerulean buff brick wine`.split(/\s+/),
);
const weatherNouns: Readonly<Record<string, string>> = {
  fog: 'fog', foggy: 'fog', mist: 'mist', misty: 'mist', haze: 'haze', hazy: 'haze', rain: 'rain', rainy: 'rain',
  drizzle: 'drizzle', snow: 'snow', snowy: 'snow', snowfall: 'snow', sleet: 'sleet', hail: 'hail', storm: 'storm',
  stormy: 'storm', thunderstorm: 'storm', wind: 'wind', windy: 'wind', breeze: 'breeze', overcast: 'grey weather',
  cloudy: 'cloudy weather', clear: 'clear weather', sunny: 'sunny weather', fair: 'fair weather', frost: 'frost',
  calm: 'calm', cloud: 'cloud', thunder: 'thunder',
}; // biome-ignore format: a table
const timeWords: Readonly<Record<string, string>> = {
  dawn: 'at dawn',
  sunrise: 'at sunrise',
  morning: 'in the morning',
  noon: 'at noon',
  midday: 'at midday',
  afternoon: 'in the afternoon',
  dusk: 'at dusk',
  sunset: 'at sunset',
  twilight: 'at twilight',
  evening: 'in the evening',
  night: 'at night',
  midnight: 'at midnight',
  spring: 'in spring',
  summer: 'in summer',
  autumn: 'in autumn',
  winter: 'in winter',
  'golden hour': 'at golden hour',
  'blue hour': 'at blue hour',
  'early morning': 'in the early morning',
  'late afternoon': 'in the late afternoon',
  'late evening': 'in the late evening',
  day: 'by day',
  daylight: 'by daylight',
  'morning light': 'in the morning light',
  'evening light': 'in the evening light',
  'first light': 'at first light',
  'last light': 'at last light',
};
const placeWords = new Set(
  `bay harbour harbor sea ocean lake river coast shore beach hill hills ridge ridges mountain mountains valley desert dunes
  forest wood woods meadow field plain tundra marsh island room hall street square roof rooftop city town village garden
  courtyard orbit sky horizon cliff canyon cove estuary fjord steppe jungle moor heath pond pier jetty`.split(/\s+/),
);
const numberWords =
  /^(?:\d[\d.,]*\s?%?|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a dozen|several)\s+\p{L}/iu;
// What is no part of a phrase: a verb, a link word, a stop. Long descriptions are cut into phrases there.
const breaks =
  /[,.;:!?()"“”–—|/\n]|\s+(?:and|or|but|with|of|in|on|at|over|under|above|below|beside|behind|between|near|by|from|into|onto|through|against|across|along|around|that|which|who|where|while|as|is|are|was|were|has|have|for|to|than|then|so|very|made|drawn|seen|shown|showing|featuring|labelled|titled)\s+/iu;
const notAThing =
  /^(?:it|they|he|she|you|i|we|this|that|there|here|all|some|many|more|most|other|another|each|every|no|not|just|only|also|up|down|out|off|left|right|top|bottom|background|foreground|centre|center|middle|side|image|picture|drawing|illustration|scene|style|art|artwork|digital|photo|photograph|render|view|thing|things|stuff|one|two|three|four|p\d\w*|untitled|once|twice|again|short|care|wait|weight|noise|size|height)$/i;
const article = /^(?:the|an?)\s+/i;
const verbish = /(?:ing|ed|ly)$/i;
const verbishFine =
  /(?:ring|king|wing|string|spring|building|ceiling|evening|morning|lightning|awning|clearing|crossing|red|bed|seed|weed|reed|sled|shed|thread|bread|head|fly|lily|belly|jelly|valley|family|holly|bunting|landing|opening|railing|painting|drawing|lettering|awning|mooring|moorings|wedding|pudding|dumpling|seedling|sapling)$/i;

/* Words that are drawn in a picture come without their kind: a line on a card, a price, an axis. True, and nothing to point
   at. What names something is a noun phrase; these are not. */

// A label and its value, a date, how a pattern was laid; what a line that orders or promises begins with.
const beginsWrong =
  /^(?:mirrored|repeated|turned|drawn|made|kept|unplugged|live|free|use|used|keep|stir|taste|wait|serve|hold|take|leave|add|let|try|ask|bring|come|see|please|better|best|good|this|these|next|last|short|only|never|always|no|not|nothing|doors|tickets|sold|right|left|weight|noise|care|type|price|size|start|before|after|with|without|one night|farewell|part|in|on|at|by|for|from|to|until|when|while|if|as|and|or|but|then|so|yet|(?:turn|wash|store|oil|dry|sit|stand|open)(?= (?:in|on|with|when|before|after|at|by|to|the|it|once|twice|every|cold|warm|here)\b)|do|is|are|was|were|be|dots|merged|minute|(?:row|slice)(?! of))\b|^\d[\d.,:]*\s?%?$|^(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|^(?:january|february|march|april|may|june|july|august|september|october|november|december)\b/i;
const endsWrong =
  /\b(?:across|ways|rows|quarters|half|o'clock|grid|no|not|kg|g|db|cm|mm|ml|km|of|to|with|without|the|an?|and|or|on|in|at|by|for|from|as|under|over|into|your|its|it|is|are|when|again|aside|left|required|included|welcome|tired|symmetrical|lumpy|crooked|boring|sorted|apart|weather)$/i;
// A verb that says what something does: the line is a sentence, whatever it begins with.
const saysSo =
  /\b(?:comes?|fits|serves|lasts|keeps|makes|does|needs|asks|knows|gets|goes|has|have|takes|tastes|wants|works|will|can|must|may|should|per)\b(?! on\b)|\S (?:is|are|was|were|or) \S/i;
const notAPhrase = (lower: string): boolean => beginsWrong.test(lower) || endsWrong.test(lower) || saysSo.test(lower);
/** What a phrase of more than three words must look like: `quiet riot of geese`, `light on the floor`. */
const longPhrase =
  /^(?:\S+ ){1,2}(?:of|on|in|at|by|under|over|behind|with) (?:the |an? )?\S+$|^(?:two|three|four|five|six|seven|eight|nine|ten|\d+) (?:\S+ ){1,2}\S+$/i;

/** A fact that could steer, link or break a line is no fact. */
const unusable = /[…@<>{}[\]\\^`#*_=]|https?:|www\.|\p{Cc}/iu;

const known = new WeakMap<readonly string[], Known>();

/** Sorted once for each list of facts, since many bots look at the same picture. */
export function knownOf(facts: readonly string[]): Known {
  let found = known.get(facts);
  if (!found) {
    found = sorted(facts);
    known.set(facts, found);
  }
  return found;
}

function sorted(facts: readonly string[]): Known {
  const things = new Map<string, Noun>();
  const places = new Map<string, Noun>();
  const found = {
    colours: new Set<string>(),
    weathers: new Set<string>(),
    times: new Set<string>(),
    numbers: new Set<string>(),
    words: new Set<string>(),
  };
  const take = (phrase: string, whole: boolean): void => {
    const plain = phrase.replaceAll(/\s+/g, ' ').trim();
    if (plain.length < 3 || plain.length > 40 || unusable.test(plain)) return;
    const lower = plain.toLowerCase();
    const parts = lower.split(' ');
    const last = parts.at(-1) ?? '';
    if (parts.length > 5 || notAPhrase(lower)) return;
    if (whole && plain.length <= 30 && (isLettering(plain) || isProper(plain))) {
      found.words.add(plain);
      if (plain.startsWith('The ')) things.set(plain, nounOf(plain));
    } else if (timeWords[lower]) found.times.add(timeWords[lower]);
    else if (weatherNouns[lower]) found.weathers.add(weatherNouns[lower]);
    else if (parts.length <= 3 && colourWords.has(last) && parts.slice(0, -1).every(isShade)) found.colours.add(lower);
    else if (parts.length <= 3 && weatherNouns[last] && last !== 'clear' && last !== 'calm' && !last.endsWith('y'))
      found.weathers.add(lower.replace(/^(?:the|an?) /, ''));
    else if (
      parts.length >= 2 &&
      /^(?:ground|backdrop|background|body)$/.test(last) &&
      parts.slice(0, -1).every(isShade)
    )
      found.colours.add(parts.slice(0, -1).join(' '));
    else if (/\d/.test(plain) && !numberWords.test(lower)) return;
    else if (parts.length - (article.test(lower) ? 1 : 0) > 3 && !longPhrase.test(lower.replace(article, ''))) return;
    else if (notAThing.test(last) || (parts.length === 1 && notAThing.test(lower))) return;
    else if (verbish.test(last) && !verbishFine.test(last)) return;
    else {
      const noun = nounOf(/^\p{Lu}/u.test(plain) && !isProper(plain) ? lowerFirst(plain) : plain);
      if (numberWords.test(lower)) found.numbers.add(lower);
      if (placeWords.has(last)) places.set(noun.bare, noun);
      things.set(noun.bare, noun);
    }
  };
  for (const fact of facts) {
    if (fact.length > 600) continue;
    // Of a chart of dots, what they count.
    const short = fact.trim().replace(/^(?:dots|bars) (?=\S+$)/, '');
    // A short line that is a sentence of its own, on a card say, names nothing in any of its parts.
    if (!article.test(short) && short.split(/\s+/).length <= 6 && !isProper(short) && notAPhrase(short.toLowerCase()))
      continue;
    if (short.split(/\s+/).length <= 4 && !breaks.test(short)) take(short, true);
    else if (short.split(/\s+/).length <= 6 && /^[^,.;:]+ (?:of|with|in|on|over|under) [^,.;:]+$/.test(short))
      take(short, false);
    else for (const part of phrasesOf(short)) take(part, false);
  }
  return {
    things: [...things.values()].slice(0, 12),
    places: [...places.values()].slice(0, 6),
    colours: [...found.colours].slice(0, 6),
    weathers: [...found.weathers].slice(0, 4),
    times: [...found.times].slice(0, 4),
    numbers: [...found.numbers].slice(0, 6),
    words: [...found.words].slice(0, 4),
  };
}

/** The phrases of a sentence that begin with an article or a count: those surely name something. */
function phrasesOf(sentence: string): string[] {
  return sentence
    .split(breaks)
    .map((part) => part.trim())
    .flatMap((part) => {
      const named = /^(?:an?|the|one|two|three|four|five|six|seven|eight|nine|ten|\d+)\s+(.+)$/iu.exec(part);
      const words = part.split(/\s+/);
      if (named) return words.length <= 5 ? [part] : [];
      return words.length <= 2 ? [part] : [];
    });
}

const shades = new Set(
  'light dark deep pale bright dull warm cool soft burnt faded muted dusty old royal sky sea slate brick bottle olive'.split(
    ' ',
  ),
);
const isShade = (word: string): boolean => shades.has(word) || colourWords.has(word);
const isLettering = (text: string): boolean =>
  (text === text.toUpperCase() && /\p{Lu}{2}/u.test(text)) || /^["“'].*["”']$/.test(text);
const isProper = (text: string): boolean =>
  /^\p{Lu}\S*\s+(?:(?:of|the|and|on|for)\s+)?\p{Lu}/u.test(text) ||
  /^\p{Lu}{2}/u.test(text) ||
  (/^\p{Lu}(?:\s|$)/u.test(text) && !/^A\s\p{Ll}/u.test(text));
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** A title as a quotation; `undefined` when it would not stand well in a line. */
export function quotedTitle({ title }: Pick<Candidate, 'title'>): string | undefined {
  const plain = title.trim().replace(/[.,;:!…\s]+$/u, '');
  if (plain.length < 3 || plain.length > 44 || unusable.test(plain) || /["“”?]/.test(plain)) return undefined;
  return plain.split(/\s+/).length > 7 ? undefined : `“${plain}”`;
}
