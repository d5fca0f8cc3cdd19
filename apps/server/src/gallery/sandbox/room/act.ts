import { createHash } from 'node:crypto';
import type { Tx } from '#kernel/db';
import type { AccountRow } from '../queries/accounts.ts';
import { type ActorRow, countAct, keepAnswer, readActor } from '../queries/acts.ts';
import { type RefusalCode, Refused, type SandboxAnswer, textAnswer } from './answers.ts';
import type { Change } from './changes.ts';
import { sandboxLimits as limits } from './limits.ts';
import type { SandboxRoom } from './room.ts';

export type ActKind = 'post' | 'comment' | 'like';
/** What an act amounts to: its answer, whether it counts against budgets, and what to tell. */
export type Done = { status: number; value: unknown; counts: boolean; change?: Change };

export type Act<L> = {
  projectId: string;
  account: AccountRow;
  kind: ActKind;
  at: Date;
  /** `Idempotency-Key`, when one came; with what makes two calls the same. */
  key: string | undefined;
  digest: string;
  /** What it must know; asked together with who acts. */
  look(tx: Tx): Promise<L>;
  /** Decides and sends what is to be written, which travels with the commit. */
  body(tx: Tx, actor: ActorRow, seen: L): Done;
};

/**
 * One act in one transaction: locks its account, checks the kill switch, budgets and the key, does it, counts it, and keeps
 * the answer under the key: two trips to the database. A refusal of the rules is not kept: the same key may try again.
 */
export async function performAct<L>(room: SandboxRoom, act: Act<L>): Promise<SandboxAnswer> {
  const { projectId, account, at, kind } = act;
  const key = act.key ?? null;
  if (key !== null && (key === '' || Buffer.byteLength(key) > limits.keyBytesMax))
    throw new Refused(400, 'INVALID', `An Idempotency-Key has 1 to ${limits.keyBytesMax} bytes.`);
  const digest = createHash('sha256').update(act.digest).digest();
  const keysSince = new Date(at.getTime() - limits.keyKeepMs);
  let change: Change | undefined;
  const acting = room.db.transaction(async (tx) => {
    const [actor, seen] = await Promise.all([
      readActor(tx, { projectId, accountId: account.id, key, at, keysSince }),
      act.look(tx),
    ]);
    if (!actor) throw new Refused(403, 'AGENT_UNKNOWN', 'This account is not here any more.');
    const kept = keptAnswer(actor, digest);
    if (kept) return kept;
    if (actor.isAgent) requireBudget(actor, at);
    const done = act.body(tx, actor, seen);
    const body = JSON.stringify(done.value);
    if (key !== null) keepAnswer(tx, { accountId: actor.id, key, digest, status: done.status, body, at });
    if (done.counts) countAct(tx, { projectId, accountId: actor.id, isAgent: actor.isAgent, kind, at });
    change = done.change;
    return textAnswer(done.status, body);
  });
  const answer = await acting.catch((error: unknown) => {
    // A key that came again after its day: what it made the first time is still there.
    if (isTaken(error)) throw new Refused(409, 'IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used long ago.');
    throw error;
  });
  if (change) room.changes.tell(change);
  return answer;
}

const isTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '23505';

/** The answer this key had before. */
function keptAnswer(actor: ActorRow, digest: Buffer): SandboxAnswer | undefined {
  if (actor.keyDigest === null || actor.keyStatus === null || actor.keyBody === null) return undefined;
  if (!actor.keyDigest.equals(digest))
    throw new Refused(409, 'IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used with another request.');
  return textAnswer(actor.keyStatus, actor.keyBody, { 'idempotent-replayed': 'true' });
}

export const fleetPaused = (): Refused =>
  new Refused(503, 'FLEET_PAUSED', 'Automated accounts are paused on this gallery.');

/** The kill switch and the caps of this gallery, in the words of the contract. */
function requireBudget(actor: ActorRow, at: Date): void {
  if (actor.paused) throw fleetPaused();
  const over = (
    used: number | null,
    cap: number | null,
    code: RefusalCode,
    period: 'day' | 'month',
    own: boolean,
  ): void => {
    if (used === null || cap === null || used < cap) return;
    const whose = own ? 'this automated account' : 'all automated accounts together';
    throw new Refused(429, code, `The limit of ${cap} acts a ${period} for ${whose} is reached.`, {
      resetAt: resetAt(period, at),
      ...(own ? { usage: { used, limit: cap } } : {}),
    });
  };
  over(actor.fleetToday, actor.fleetDailyMax, 'FLEET_DAILY_BUDGET_EXCEEDED', 'day', false);
  over(actor.fleetMonth, actor.fleetMonthlyMax, 'FLEET_MONTHLY_BUDGET_EXCEEDED', 'month', false);
  over(actor.agentToday, actor.agentDailyMax, 'AGENT_DAILY_LIMIT_EXCEEDED', 'day', true);
  over(actor.agentMonth, actor.agentMonthlyMax, 'AGENT_MONTHLY_LIMIT_EXCEEDED', 'month', true);
}

/** The next UTC midnight, or the first of the next month. */
export function resetAt(period: 'day' | 'month', at: Date): string {
  const year = at.getUTCFullYear();
  const month = at.getUTCMonth();
  const next = period === 'day' ? Date.UTC(year, month, at.getUTCDate() + 1) : Date.UTC(year, month + 1, 1);
  return new Date(next).toISOString();
}
