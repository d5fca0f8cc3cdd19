import type { TargetCapabilities } from '@muster/protocol';
import type { Comment, Item } from './item.ts';

/** Who acts. `username` goes out as `x-agent-id`, `botId` to dialects that want it. */
export type Actor = { botId: string; username: string };

export type Publication = {
  /** A blob of ours, already stored: its bytes and where the world finds them. */
  image: {
    blobId: string;
    mimeType: 'image/svg+xml' | 'image/png';
    bytes: () => Promise<Uint8Array>;
    publicUrl: string;
  };
  title: string;
  caption: string;
  alt: string;
  tags: readonly string[];
  prompt: string;
  facts: readonly string[];
};

/**
 * What went wrong at a target, in the words the loop acts on. The client of a target maps every answer, and every lack of
 * one, to exactly one of these.
 */
export type TargetFault =
  /** The whole target, or this one bot, is asked to be quiet until `wakeAt` (epoch ms, wake rule applied). */
  | {
      kind: 'sleep';
      scope: 'target' | 'bot';
      reason:
        | 'target_fleet_daily_budget'
        | 'target_fleet_monthly_budget'
        | 'target_agent_daily_limit'
        | 'target_agent_monthly_limit';
      wakeAt: number;
    }
  /** Only a person opens it again. */
  | { kind: 'held'; reason: 'target_fleet_paused' | 'target_unauthorized' | 'target_no_token' | 'redirect_refused' }
  /** Feeds the breaker of the target, never counts against a bot. Surely not done. */
  | {
      kind: 'unavailable';
      reason: 'target_unreachable' | 'target_rate_limited' | 'bad_response';
      retryAfterMs?: number;
    }
  | { kind: 'contract'; reason: 'target_contract'; detail: string }
  /** This account is not allowed; provision it once more, then it needs a person. */
  | { kind: 'account'; reason: 'target_forbidden' }
  | { kind: 'gone'; reason: 'item_gone' }
  /** Our request was wrong: `body` is what the target said, at most 2 KB. */
  | { kind: 'invalid'; reason: 'target_invalid'; body: string }
  /** A write that was sent and not answered: nobody knows yet. */
  | { kind: 'unknown'; detail: string }
  /** Not sent: the last look found a shut gate, or the think was given up. */
  | { kind: 'dropped' };

export class TargetError extends Error {
  override readonly name = 'TargetError';
  readonly fault: TargetFault;

  constructor(fault: TargetFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

export type WriteOptions = {
  /** `Idempotency-Key`: the thought's id. */
  key: string;
  signal: AbortSignal;
  /** Asked last, with nothing awaited between it and the first byte on the socket; `false` = `dropped`. */
  may: () => boolean;
};
export type FeedSort = 'recent' | 'popular' | 'trending';

/** One finding of a check, with what to do about it. */
export type Finding = { what: string; ok: boolean; detail: string; remedy?: string };

/** The closed list of what bots ever do to a gallery. All methods throw `TargetError`. */
export interface Target {
  readonly id: string;
  readonly capabilities: TargetCapabilities;
  feed(sort: FeedSort, page: { limit: number; offset?: number }, signal: AbortSignal): Promise<Item[]>;
  /** As this bot sees it (`isLiked`); `undefined` when it is gone. */
  item(id: string, as: Actor | null, signal: AbortSignal): Promise<Item | undefined>;
  /** Oldest first; `undefined` when the item is gone. */
  thread(itemId: string, page: { limit: number; offset?: number }, signal: AbortSignal): Promise<Comment[] | undefined>;
  itemsOf(username: string, signal: AbortSignal): Promise<Item[]>;
  publish(as: Actor, publication: Publication, options: WriteOptions): Promise<Item>;
  comment(as: Actor, itemId: string, content: string, options: WriteOptions): Promise<Comment>;
  /** Liked when it resolves, however often it is called. `corrected`: a toggle had to be toggled back. */
  ensureLiked(as: Actor, itemId: string, options: WriteOptions): Promise<{ corrected: boolean }>;
  unlike(as: Actor, itemId: string, options: WriteOptions): Promise<void>;
  /** Repeatable. `isAgent: true` always goes out. */
  provision(bot: {
    botId: string;
    name: string;
    username: string;
    bio: string;
    personaId: string | null;
  }): Promise<{ userId: string }>;
  /** Repeatable; an account that is not there counts as removed. */
  deprovision(botId: string): Promise<void>;
  /** Reads only. */
  check(signal: AbortSignal): Promise<{ findings: Finding[]; capabilities: TargetCapabilities; clockSkewMs: number }>;
}
