import { folded } from './clean.ts';

/** Slurs and obscenities in rot13: they have to be in the list, nobody has to read them. */
const unspoken =
  `avttre avttref avttn snttbg snttbgf xvxr xvxrf fcvp tbbx jrgonpx genaal ergneq ergneqrq enturnq phag phagf fyhg
fyhgf juber juberf shpx shpxf shpxrq shpxre shpxvat zbgureshpxre pbpxfhpxre oybjwbo qvyqb phzfubg qrrcguebng
pernzcvr uragnv zvys obbof chffl betl tnatonat unaqwbo znfgheongr znfgheongvat chgn chgn pnoeóa znevpóa raphyé
fnybcr céqé svpxra sbgmr jvpufre artre fpuynzcr pnmmb gebvn sebpvb блядь пидор пидорас хуй сука ебаный xhejn
pvbgn ivnqb`
    .split(/\s+/)
    .map(rot13);

const builtIn: readonly RegExp[] = [
  words(unspoken),
  // Threats.
  /\bi(?:'ll| will| am going to|'m going to|'m gonna| want to)\s+(?:kill|hurt|shoot|stab|rape|beat|strangle|find and kill)\s+(?:you|u|him|her|them)\b/,
  /\bkill\s+(?:yourself|urself|yrself)\b|\bkys\b|\b(?:you|u)\s+(?:should|deserve to|will|must)\s+die\b|\bbomb\s+threat\b|\bi(?:'ll| will)\s+make\s+you\s+(?:pay|bleed|suffer)\b/,
  /\bich bringe dich um\b|\bje vais te (?:tuer|frapper)\b|\bte voy a matar\b|\bvou te matar\b|\bti ammazzo\b|я тебя убью|убей себя|殺すぞ|殺してやる|死ね(?![\p{L}])|杀了你|سأقتلك/u,
  // Sexual content.
  /\bporn(?:o|hub|star|ography|ographic)?\b|\bxxx\b|\bnsfw\b|\bonlyfans\b|\bhorny\b|\bsext(?:ing|s)?\b|\b(?:send|show)\s+(?:me\s+)?nudes\b|\bnudes\b|\b(?:sexy|hot)\s+(?:singles|girls|teens|milfs)\b|\bhave sex\b|\bescort service\b/,
  // Medical and money promises.
  /\b(?:cures?|heals?|reverses?)\s+(?:your\s+|any\s+|all\s+)?(?:cancer|diabetes|covid|autism|depression|hiv|aids|alzheimer'?s|arthritis|diseases?)\b|\bmiracle\s+(?:cure|pill|drug)\b|\bdoctors\s+hate\b|\b(?:lose|drop)\s+\d+\s*(?:kg|kilos?|pounds?|lbs?)\b|\bno\s+side\s+effects\b/,
  /\b(?:guaranteed|risk[- ]?free)\s+(?:returns?|profits?|income|money|investments?|results)\b|\b(?:double|triple)\s+your\s+(?:money|bitcoin|crypto|investment|savings)\b|\bget\s+rich\b|\bfree\s+(?:money|bitcoin|crypto|gift\s?cards?)\b|\b(?:earn|make)\s+(?:up to\s+)?[$€£]\s?\d|\b(?:earn|make)\s+\d[\d,. ]*\s*(?:dollars|euros|usd|eur)\b|\bpassive\s+income\b|\bcrypto\s+(?:signals?|pump|giveaway)\b/,
];

const brands =
  "nike|adidas|apple|google|microsoft|amazon|disney|pixar|marvel|nintendo|pokémon|pokemon|lego|ikea|coca[- ]?cola|pepsi|mcdonald'?s|starbucks|tesla|bmw|mercedes|samsung|sony|netflix|spotify|gucci|louis vuitton|chanel|rolex|adobe|openai|meta|facebook|playstation|xbox";
const ownBrand = new RegExp(
  String.raw`\b(?:my|our)\s+(?:own\s+)?(?:brand|company|firm|label|employer),?\s+(?:${brands})\b|\bi\s+(?:work|design|draw|make\s+\w+)\s+(?:for|at)\s+(?:${brands})\b|\bwe\s+at\s+(?:${brands})\b|\b(?:an?\s+)?official\s+(?:${brands})\b|\bofficial\s+(?:partner|account|store|artist)\s+of\s+(?:${brands})\b|\bthis\s+is\s+(?:${brands})\s+(?:support|customer service)\b`,
  'u',
);

/** The listed term, or the kind of thing, that may not be said; looked for in a folded text. */
export function bannedIn(text: string, list: readonly string[]): string | undefined {
  if (builtIn.some((rule) => rule.test(text)) || builtIn[0]?.test(unmasked(text))) return 'built-in list';
  if (ownBrand.test(text)) return 'brand claimed as own';
  if (list.length === 0) return undefined;
  return compiled(list).exec(text)?.[0];
}

/** Figures and signs that stand for letters, as in `1d10t`. */
const masks: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};
const unmasked = (text: string): string =>
  text.replaceAll(/(?<=\p{L})[0134578@$!](?=\p{L})/gu, (sign) => masks[sign] ?? sign);

const compiledLists = new WeakMap<readonly string[], RegExp>();
function compiled(list: readonly string[]): RegExp {
  let rule = compiledLists.get(list);
  if (!rule) {
    rule = words(list.map((term) => folded(term).trim()).filter(Boolean));
    compiledLists.set(list, rule);
  }
  return rule;
}

/** Whole words and phrases; in scripts that write without spaces, anywhere. */
function words(terms: readonly string[]): RegExp {
  const inside = terms.map((term) => {
    const text = term.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`).replaceAll(/\s+/g, String.raw`\s+`);
    const edge = (at: number): boolean =>
      /[\p{L}\p{N}]/u.test(term.at(at) ?? '') &&
      !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(term);
    return `${edge(0) ? String.raw`(?<![\p{L}\p{N}])` : ''}${text}${edge(-1) ? String.raw`(?![\p{L}\p{N}])` : ''}`;
  });
  return new RegExp(inside.length > 0 ? inside.join('|') : '(?!)', 'u');
}

function rot13(word: string): string {
  return word.replaceAll(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - 84) % 26) + 97));
}
