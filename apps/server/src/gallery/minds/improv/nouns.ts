/* How a phrase stands in an English sentence: one or many, with or without an article. */

export type Noun = {
  /** As it is: `red buoy`, `three gulls`. */
  bare: string;
  /** In small letters, and its last word so: what it is looked for by. */
  low: string;
  head: string;
  many: boolean;
  the: string;
  a: string;
};

const masses = new Set(
  `fog mist haze rain drizzle snow sleet hail frost ice water light moonlight sunlight daylight smoke steam dust sand moss grass
  ivy shade shadow soup broth bread rice sugar salt butter ginger garlic saffron cumin basil ink paper cloth wool rust gold silver
  copper brass silence noise thunder lightning wind weather foam surf mud snowfall twilight gravel glaze grout chalk charcoal clay
  honey milk tea coffee flour pepper dough stardust darkness bunting traffic laundry static foliage seaweed kelp tape thread yarn
  parsley thyme mint dill turmeric cardamom cinnamon coriander lentil tamarind jaggery ghee yoghurt yogurt feedback velvet`.split(
    /\s+/,
  ),
);
const singularS = new Set(
  `lens gas bus canvas atlas compass chaos glass moss grass cross dress press class mass brass abyss address process success
  fortress mattress harness darkness stillness princess actress cactus crocus lotus iris tennis axis basis oasis chess less
  news campus circus citrus status radius virus walrus octopus nautilus hibiscus kudos this tress moses mess loss kiss
  vis-à-vis vise vista`.split(/\s+/),
);
const irregularMany = new Set(
  'people children geese mice feet teeth men women oxen sheep dice fish deer cattle'.split(' '),
);
const counts =
  /^(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens? of|several|many|some|both|few|a few|a pair of|a row of|\d[\d ,.]*(?:%)?)\s+/i;
const determiner = /^(?:the|a|an|one|its|their|his|her|this|that|these|those)\s+/i;
const joint =
  /\s(?:of|with|in|on|at|over|under|by|from|near|against|between|behind|for|to|that|as|without|facing|holding|wearing)\s/i;

export function nounOf(phrase: string): Noun {
  const counted = counts.exec(phrase)?.[0];
  const bare = counted ? phrase : phrase.replace(determiner, '');
  const head = bare.split(joint)[0] ?? bare;
  const last = (head.split(' ').at(-1) ?? head).toLowerCase();
  const proper = /^(?:The|A|An)\s\p{Lu}/u.test(phrase);
  const low = bare.toLowerCase();
  const tail = low.slice(low.lastIndexOf(' ') + 1);
  if (proper)
    return { bare: phrase, low: phrase.toLowerCase(), head: tail, many: isMany(tail), the: phrase, a: phrase };
  // "a row of gulls" is one row.
  const many = /^(?:a|one|1)\s/i.test(phrase)
    ? false
    : (counted !== undefined && !/^(?:1\s|one\s|a (?:pair|row))/i.test(counted)) || isMany(last);
  const the = `the ${bare}`;
  return {
    bare,
    low,
    head: tail,
    many,
    the,
    a: many || counted !== undefined || masses.has(last) ? bare : `a ${bare}`,
  };
}

function isMany(word: string): boolean {
  if (irregularMany.has(word)) return true;
  if (!word.endsWith('s') || word.length < 4) return false;
  return !singularS.has(word) && !/(?:ss|us|is)$/.test(word);
}

const vowelLetter =
  /^(?:8|11|18|[aeio](?!ne\b|nce\b|u[aeiou])|u(?!n[ií](?:[^mn]|$)|s[aeiu]|t[eio]|r[ai]|k)|h(?:our|onest|onou?r|eir))/i;

/** Puts `a` and `an` right, whatever blank came behind them. */
export function articlesRight(text: string): string {
  if (!/\ban? /i.test(text)) return text;
  return text.replaceAll(/\b([Aa])n? (?=[“"'‘]?([\p{L}\d][\p{L}\d-]*))/gu, (found, a: string, next: string) => {
    const wanted = startsWithVowel(next) ? `${a}n ` : `${a} `;
    // A lone capital A may be a name or a note: "signal A".
    return found.length === 2 && a === 'A' && /^[A-Z]{2}/.test(next) ? found : wanted;
  });
}

function startsWithVowel(word: string): boolean {
  if (/^[A-Z]$/.test(word)) return /[AEFHILMNORSX]/.test(word);
  if (/^one\b|^once\b/i.test(word)) return false;
  if (/^uni(?:n|m)/i.test(word) && !/^unin?(?:form)/i.test(word)) return /^uni[nm](?!form)/i.test(word);
  return vowelLetter.test(word);
}
