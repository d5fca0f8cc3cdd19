/** What the parts of the gallery say to each other. Types, and draws; no I/O. */
export { bioOf } from './bio.ts';
export type { BotRow, EffectiveTraits, FleetRow, PersonaRow, TargetRow } from './bot.ts';
export type { Author, Comment, Item } from './item.ts';
export {
  type Bound,
  type Candidate,
  type Decision,
  type Heard,
  type Mind,
  MindError,
  type Situation,
  type Thought,
  type Tokens,
} from './mind.ts';
export { type Draws, drawsOf } from './random.ts';
export type { DrawScene, Fact, Scene, SceneOrder } from './scene.ts';
export {
  type Actor,
  type FeedSort,
  type Finding,
  type Publication,
  type Target,
  TargetError,
  type TargetFault,
  type WriteOptions,
} from './target.ts';
export { type Transport, type TransportAnswer, type TransportCall, TransportError } from './transport.ts';
