/* What the pill says, from what is known of the connection. Pure, so that every line of the table of dashboard §6.1 is a test. */

/** Times are of `performance.now()`. */
export type LineFacts = {
  readonly line: 'connecting' | 'open' | 'down' | 'polling';
  /** When the last frame or pong came. */
  readonly heardAt: number | undefined;
  readonly roundTripMs: number | undefined;
  /** When the next try comes, while the line is down. */
  readonly retryAt: number | undefined;
  /** Records of streams that are still to be read again. */
  readonly behind: number;
  readonly paused: boolean;
  readonly offline: boolean;
  readonly signedOut: boolean;
  readonly draining: boolean;
};

export type PillState =
  | { readonly kind: 'live'; readonly roundTripMs: number | undefined }
  | { readonly kind: 'catchingUp'; readonly behind: number }
  | { readonly kind: 'stale'; readonly forMs: number }
  | { readonly kind: 'reconnecting'; readonly inMs: number }
  | { readonly kind: 'connecting' | 'polling' | 'paused' | 'offline' | 'signedOut' | 'draining' };

/** "Live" is said only of a line on which something was heard within this (D4). */
export const liveWithinMs = 10_000;

export function pillOf(facts: LineFacts, nowMs: number): PillState {
  if (facts.signedOut) return { kind: 'signedOut' };
  if (facts.paused) return { kind: 'paused' };
  if (facts.offline) return { kind: 'offline' };
  if (facts.line === 'down') {
    const inMs = Math.max(0, (facts.retryAt ?? nowMs) - nowMs);
    return facts.draining ? { kind: 'draining' } : { kind: 'reconnecting', inMs };
  }
  if (facts.line === 'connecting') return { kind: 'connecting' };
  if (facts.line === 'polling') return { kind: 'polling' };
  const forMs = nowMs - (facts.heardAt ?? nowMs);
  if (forMs > liveWithinMs) return { kind: 'stale', forMs };
  if (facts.behind > 0) return { kind: 'catchingUp', behind: facts.behind };
  return { kind: 'live', roundTripMs: facts.roundTripMs };
}
