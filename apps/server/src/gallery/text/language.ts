/* Is a text in the language it should be? Scripts first, then the small words that every sentence needs. Only clear cases count. */

const scripts = {
  Latin: /\p{Script=Latin}/u,
  Cyrillic: /\p{Script=Cyrillic}/u,
  Greek: /\p{Script=Greek}/u,
  Arabic: /\p{Script=Arabic}/u,
  Hebrew: /\p{Script=Hebrew}/u,
  Devanagari: /\p{Script=Devanagari}/u,
  Bengali: /\p{Script=Bengali}/u,
  Tamil: /\p{Script=Tamil}/u,
  Thai: /\p{Script=Thai}/u,
  Hangul: /\p{Script=Hangul}/u,
  Kana: /[\p{Script=Hiragana}\p{Script=Katakana}]/u,
  Han: /\p{Script=Han}/u,
} as const;
type Script = keyof typeof scripts;

const scriptsOf: Readonly<Record<string, readonly Script[]>> = {
  ...Object.fromEntries(
    'en de fr es pt it nl sv da no nb nn fi is et lv lt pl cs sk sl hr hu ro tr az id ms vi tl sw af sq ca eu gl cy ga mt'
      .split(' ')
      .map((language) => [language, ['Latin'] as const]),
  ),
  ru: ['Cyrillic'],
  uk: ['Cyrillic'],
  bg: ['Cyrillic'],
  mk: ['Cyrillic'],
  be: ['Cyrillic'],
  sr: ['Cyrillic', 'Latin'],
  el: ['Greek'],
  ar: ['Arabic'],
  fa: ['Arabic'],
  ur: ['Arabic'],
  he: ['Hebrew'],
  hi: ['Devanagari'],
  mr: ['Devanagari'],
  ne: ['Devanagari'],
  bn: ['Bengali'],
  ta: ['Tamil'],
  th: ['Thai'],
  ko: ['Hangul', 'Han'],
  ja: ['Kana', 'Han'],
  zh: ['Han'],
};

/** Small words that seldom are words of the others. */
const stopWords: Readonly<Record<string, ReadonlySet<string>>> = Object.fromEntries(
  Object.entries({
    en: 'the and of to is it that this with for was are not you your i my have from how what which but they there would could than then as if by at an or be on a in so no do like just its into very more',
    de: 'der die das und ist ich nicht ein eine den dem mit auf für auch von zu wie aber sehr wird sich noch nur hier bild oder wenn',
    fr: 'le la les et est je une des du pas pour que qui dans avec sur ce cette mais très plus bien vous nous il elle sont aux comme',
    es: 'el la los las y es un una que en por para con muy pero como más este esta está su del al lo se qué cómo también',
    pt: 'o os as e é um uma que em por para com muito mas como mais este esta está seu sua do da no na não também você',
    it: 'il lo gli e è un una che in per con molto ma come più questo questa della del di non sono anche nel alla perché',
    nl: 'de het een en is ik niet van dat met voor op zijn maar ook heel deze dit wat hoe er aan naar nog wel bij',
    sv: 'och är det att en ett som på med för inte jag den av till men också mycket här hur var detta så om har',
    da: 'og er det at en et som på med for ikke jeg den af til men også meget her hvordan dette så om har',
    pl: 'i jest nie to się na w z że do jak ale bardzo ten ta tak co dla po jego są być tylko jeszcze',
    cs: 'a je to se na v že ne jak ale velmi ten ta tak co pro po jeho jsou být jen ještě jsem který',
    fi: 'ja on ei se että en oli mutta kun niin tämä hyvin kuin myös ovat vain mitä miten sen tässä siinä',
    tr: 've bir bu için çok ile ama değil gibi daha ne nasıl var yok ben sen o da de mi olarak kadar',
    id: 'dan yang di ini itu dengan untuk tidak saya ada dari ke sangat juga tapi lebih seperti bagaimana akan pada',
    ro: 'și este un o nu la de în cu pe care mai foarte dar ca din pentru sunt acest această cum',
    hu: 'a az és nem hogy egy van ez de nagyon is csak mint meg már még ezt azt hogyan itt',
  }).map(([language, words]) => [language, new Set(words.split(' '))]),
);

const lettersMin = 20;

/** `true` when a text of at least 20 letters is clearly in another language than `language` (BCP 47). Unknown languages pass. */
export function isOtherLanguage(text: string, language: string): boolean {
  const primary = language.toLowerCase().split('-')[0] ?? '';
  const expected = scriptsOf[primary];
  if (!expected) return false;
  const letters = text.replaceAll(/@[\p{L}\p{N}_.]+|[^\p{L}]+/gu, '');
  if (letters.length < lettersMin) return false;
  if (/^[A-Za-z]+$/.test(letters))
    return !expected.includes('Latin') || (expected[0] === 'Latin' && saysAnother(text, primary));
  let own = 0;
  let all = 0;
  let kana = 0;
  for (const letter of letters) {
    all += 1;
    if (primary === 'zh' && scripts.Kana.test(letter)) kana += 1;
    if (expected.some((script) => scripts[script].test(letter))) own += 1;
  }
  // Names and quoted titles may be in another script, a sentence may not.
  if (own < 0.6 * all) return true;
  if (primary === 'ja' && all >= 40 && !scripts.Kana.test(letters)) return true;
  if (primary === 'zh' && kana > 0.1 * all) return true;
  return expected[0] === 'Latin' && saysAnother(text, primary);
}

/** Which languages a small word belongs to, by their place in `profiled`. */
const profiled = Object.keys(stopWords);
const languagesOf = new Map<string, number[]>();
for (const [no, language] of profiled.entries()) {
  for (const word of stopWords[language] ?? []) languagesOf.set(word, [...(languagesOf.get(word) ?? []), no]);
}

function saysAnother(text: string, primary: string): boolean {
  const mine = profiled.indexOf(primary);
  if (mine === -1) return false;
  const counts = new Uint16Array(profiled.length);
  // Different words: one letter three times is no language.
  for (const word of new Set(text.toLowerCase().match(/[\p{L}\p{M}]+/gu))) {
    const all = languagesOf.get(word);
    if (!all) continue;
    // A word that the own language has too says nothing for another.
    if (all.includes(mine)) counts[mine] = (counts[mine] ?? 0) + 1;
    else for (const no of all) counts[no] = (counts[no] ?? 0) + 1;
  }
  const own = counts[mine] ?? 0;
  // Three small words of another language, and clearly more than of the own one: then it is no loan word.
  return counts.some((others, no) => no !== mine && others >= 3 && others >= 2 * own + 1);
}
