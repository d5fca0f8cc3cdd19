/** What is known about texts: how they are checked, compared, measured, and shown to a mind. Pure but for `Sameness`. */
export { checkText, type TextKind, type TextRules, type TextVerdict } from './check.ts';
export { cleaned, cutAtWord, folded } from './clean.ts';
export { handlesIn } from './contact.ts';
export {
  blanksOf,
  type ConditionBlank,
  isSituationBlank,
  type Piece,
  parseFrame,
  type SituationBlank,
} from './frame.ts';
export { blockHeard, delimiterOf, type HeardLine, looksLikeInstruction, wrapHeard } from './heard.ts';
export { admitsBot, asksIfBot } from './honesty.ts';
export {
  distinctN,
  factsNamed,
  gini,
  ks,
  meanPairwiseJaccard,
  namesFact,
  nearDuplicateRate,
  selfRepetition,
  shares,
} from './measures.ts';
export { asksSomething, praisesSomething, suggestsSomething } from './moves.ts';
export { type Nearest, type SameKind, Sameness, type SamenessLimits } from './sameness.ts';
