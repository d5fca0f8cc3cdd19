/* What the two halves of the loop say to each other, and what the room asks of it. */

import type { BotRow, Decision, Scene } from '#gallery/model';
import type { Service } from '#kernel/base';

/** A bot whose time has come. */
export type Due = {
  bot: BotRow;
  /** Its `next_think_at`: the order of effects within one batch is (dueAt, bot.id). */
  dueAt: number;
  /** Of its shard; every commit names it. */
  term: bigint;
  /**
   * Aborted by pause, stop, delete, panic, a lost term and the deadline of the think. For model calls, reads and waits; a
   * write that is on the wire finishes or times out by itself.
   */
  signal: AbortSignal;
  /** The last look, from memory only: gates, desired state, term. */
  may: () => boolean;
  /** An image is being made: such a think may take longer than one of words alone. */
  drawing?: () => void;
};

export type ThinkResult = 'acted' | 'skipped' | 'blocked' | 'failed' | 'dropped' | 'put_off';

/** What a think made of its bot, as its last commit wrote it; the owner sets its timer by it. */
export type ThinkEnd = {
  botId: string;
  result: ThinkResult;
  reason: string | null;
  /** As the row is now; `undefined`: nothing was written (put off, term lost), come again at `againAt`. */
  row?: BotRow;
  againAt?: number;
  /** What was said of it before did not come true: its row is to be read again. */
  stale?: true;
  /** A fault of the target or of the whole fleet that shuts a gate. */
  gate?: { scope: 'fleet' | 'target'; state: 'sleeping' | 'held' | 'tripped'; until: number | null; reason: string };
};

/**
 * The thinking half. One call takes all bots due in one tick: all see the world as it was at its start, effects happen in
 * order, commits are grouped. It never throws for a single bot; `ends` are as long as the batch, in its order.
 */
export interface Thinker {
  think(
    batch: readonly Due[],
    at: number,
    /** Told of each bot as soon as its last commit is through, so that a slow think holds back no other's timer. */
    ended?: (end: ThinkEnd) => void,
    /** `ahead`: ends are told before their last commit is through; `written` waits for it. Where nothing else moves bots. */
    how?: { ahead: boolean },
  ): Promise<ThinkEnd[]>;
  /** All that was told ahead is written, or told once more with what became of it. */
  written?(): Promise<void>;
  /** Before anything else of a shard: settles open ledger rows of older terms (found → adopted, not found → sent once or dropped). */
  verifyOpen(
    shard: number,
    term: bigint,
    signal: AbortSignal,
  ): Promise<{ adopted: number; sent: number; dropped: number }>;
}

/** One step of what a bot would do; nothing was touched. */
export type PreviewStep = {
  at: number;
  candidates: readonly { itemId: string; title: string; author: string; score: number }[];
  odds: Readonly<Record<string, number>>;
  decision: Decision;
  scene: Scene | null;
  verdicts: readonly { check: string; ok: boolean; reason: string | null }[];
  tokens: { in: number; out: number };
  costMicros: number;
};

export type Confirmed = { confirmed: boolean; inFlight: number };
export type PanicAnswer = {
  stoppedAt: number;
  bots: number;
  inFlight: readonly { botId: string; thoughtId: string; kind: string }[];
  nodes: readonly { id: string; confirmed: boolean }[];
};

/** The loop as the room sees it. */
export interface Loop extends Service {
  /**
   * After the commit of a command, or of a change to a persona, target, budget: rows are read again and timers set anew,
   * here at once and on other nodes by a hint. Resolves when each owner has confirmed (at most 3 s).
   */
  changed(projectId: string, what: { bots: readonly string[] } | 'all'): Promise<Confirmed>;
  panic(projectId: string, by: string, reason: string): Promise<PanicAnswer>;
  release(projectId: string, by: string, reason: string, state: 'paused' | 'asBefore'): Promise<void>;
  /** Shuts or opens the gate of a target; writes the row, the activity and the event. */
  setGate(
    projectId: string,
    targetId: string,
    state: 'open' | 'held',
    by: string,
    reason: string | null,
  ): Promise<void>;
  preview(
    bot: BotRow,
    options: { mind?: string; at?: number; steps: number; seed?: number; spend: boolean },
  ): Promise<PreviewStep[]>;
  /** Answered from persona and memory, never posted. */
  ask(bot: BotRow, question: string): Promise<{ answer: string; mind: string; costMicros: number }>;
  /** A new think with the decision of a failed or dropped one, with a key of its own. Answers the new thought's id. */
  retry(projectId: string, thoughtId: string): Promise<string>;
  /**
   * Why a bot of this node does nothing now, as far as its row does not say: what its last think was put off for, or what
   * its owner is about. From memory; `undefined`: nothing stands in its way, or another node owns it.
   */
  waits(bot: { id: string; shard: number }): { reason: string; until: number | null } | undefined;
  health(): { bots: number; lagMs: number; restoring: { done: number; of: number } | null };
}
