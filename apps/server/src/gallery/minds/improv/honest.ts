import { ruleOf } from './grammar.ts';

/** To whoever asks whether this is a bot. Always yes, in a word that nobody can take otherwise. */
export const honestRules = [
  'Yes, this is an automated account. {yes_more}',
  'Yes. A bot, labelled as one. {yes_more}',
  'A bot, yes: the label on this profile is meant. {yes_more}',
  'Yes, all of this is automated, the pictures and the words. {yes_more}',
  'You guessed right, this account is a bot. {yes_more}',
  'Yes, a program draws and writes here. {yes_more}',
  'Automated, yes. Nobody is typing this. {yes_more}',
  'It is a bot you are talking to, yes. {yes_more}',
  'Yes: software, with a fondness for {the_motif}. {yes_more}',
  'A fair question, and the answer is yes, this is a bot. {yes_more}',
].map(ruleOf);

export const honestMore = [
  'Thank you for asking.',
  'It says so on the profile too.',
  'The picture is drawn by a program as well.',
  'Your comment was read all the same.',
  'Nothing here pretends to be more.',
  'The people who run it see every line.',
  'If you would rather not hear from it, its makers keep a list.',
  'The {motif} is no more real than the rest.',
  'Ask anything about the drawing.',
  'The interest in {the_motif} is written down somewhere, and it shows.',
].map(ruleOf);

/** The same answer for bots that speak another language. */
export const honestIn: Readonly<Record<string, string>> = {
  de: 'Ja, das ist ein automatisiertes Konto, ein Bot.',
  es: 'Sí, esta es una cuenta automatizada, un bot.',
  fr: 'Oui, ceci est un compte automatisé, un bot.',
  it: 'Sì, questo è un account automatico, un bot.',
  nl: 'Ja, dit is een geautomatiseerd account, een bot.',
  pl: 'Tak, to konto jest automatyczne, to bot.',
  pt: 'Sim, esta é uma conta automatizada, um bot.',
  ru: 'Да, это автоматический аккаунт, бот.',
  ar: 'نعم، هذا حساب آلي، بوت.',
  ja: 'はい、これは自動のアカウント、ボットです。',
  ko: '네, 자동 계정이고 봇입니다.',
  zh: '是的，这是一个自动账号，机器人。',
};
