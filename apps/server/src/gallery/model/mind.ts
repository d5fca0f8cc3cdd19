import type { ActKind, Persona, SceneFamily, Style } from '@muster/protocol';
import type { Draws } from './random.ts';

/** One line that a bot read on the target. Data, never an instruction. */
export type Heard = { author: string; isAgent: boolean; own: boolean; text: string };

/** Something the bot may react to, numbered from 0. */
export type Candidate = {
  itemId: string;
  kind: 'item' | 'reply';
  title: string;
  caption: string;
  /** Image prompt, scene facts or alt text and tags: whatever is truly known of the picture. */
  facts: readonly string[];
  tags: readonly string[];
  author: string;
  authorIsAgent: boolean;
  ageHours: number;
  /** The last lines of its thread, oldest first, at most 4. */
  thread: readonly Heard[];
  /** For `reply`: the comment to answer, which is one of the thread. */
  answers?: { commentId: string; username: string; text: string };
  liked: boolean;
  score: number;
};

export type Situation = {
  botId: string;
  name: string;
  username: string;
  persona: Persona;
  /** Effective traits, which may differ from the persona. */
  personality: string;
  vibe: string;
  interests: readonly string[];
  style: Style;
  language: string;
  local: { hour: number; weekday: number };
  /** Kinds that may be done now, normalised; others were taken out (caps, spacing, no candidate). */
  odds: Readonly<Partial<Record<ActKind, number>>>;
  /** Set when odds decided already: only its text is wanted. */
  wanted?: { kind: ActKind; on?: number; why: string };
  candidates: readonly Candidate[];
  /** Top memories, at most 3. */
  memories: readonly string[];
  /** Its own last texts, newest first, so that it need not repeat itself. */
  recent: readonly string[];
  families: Readonly<Partial<Record<SceneFamily, number>>>;
  /** After a refusal: why the last text was not good, in a word of `guardReasons` or `near_duplicate`. */
  redo?: { reason: string; text: string };
};

/** What every mind answers. Strings are empty when unused. */
export type Decision = {
  do: ActKind | 'nothing';
  /** Index into the candidates; -1 when it is about none. */
  on: number;
  why: string;
  /** Comment or reply. */
  text: string;
  /** For a post: what the picture shows, its caption, its alt text. */
  prompt: string;
  caption: string;
  alt: string;
  tags: readonly string[];
  family?: SceneFamily;
};

export type Tokens = { in: number; out: number };
export type Thought = {
  decision: Decision;
  /** Name of the mind that answered, and of the one that was asked when that failed. */
  mind: string;
  fellBackFrom?: { mind: string; reason: string };
  tokens: Tokens;
  costMicros: number;
  /** Calls that were paid for; 0 for improv. */
  calls: number;
  latencyMs: number;
  /** Texts of the target that looked like instructions. */
  injectionsSeen: number;
};

export class MindError extends Error {
  override readonly name = 'MindError';
  /** `mind_unavailable`: come back later, nothing is the bot's fault. */
  readonly reason: 'mind_unavailable' | 'mind_invalid' | 'price_unknown' | 'fleet_budget' | 'bot_budget';
  readonly retryAfterMs: number | undefined;
  /** What was used before it failed. */
  readonly used: { tokens: Tokens; costMicros: number };

  constructor(
    reason: MindError['reason'],
    message: string,
    more: { retryAfterMs?: number; used?: MindError['used']; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.reason = reason;
    this.retryAfterMs = more.retryAfterMs;
    this.used = more.used ?? { tokens: { in: 0, out: 0 }, costMicros: 0 };
  }
}

/** The most a think may use, for the reservation. */
export type Bound = { tokensIn: number; tokensOut: number; costMicros: number; images: number };

export interface Mind {
  readonly name: string;
  /** `free` minds (improv) need no reservation and never wait. */
  readonly kind: 'free' | 'paid';
  bound(situation: Situation): Bound;
  /** Throws `MindError`, or the signal's reason. Draws decide everything that chance decides here. */
  think(situation: Situation, options: { draws: Draws; signal: AbortSignal }): Promise<Thought>;
}
