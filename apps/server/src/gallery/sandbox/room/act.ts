import { createHash } from 'node:crypto';
import type { Db, Tx } from '#kernel/db';
import { type ActorRow, countAct, keepAnswer, readActor } from '../queries/acts.ts';
import type { Act, Acted, AnyAct } from './act-shape.ts';
import { type RefusalCode, Refused, type SandboxAnswer, textAnswer } from './answers.ts';
import { sandboxLimits as limits } from './limits.ts';
import type { SandboxRoom } from './room.ts';

/**
 * One act in one transaction: locks its account, checks the kill switch, budgets and the key, does it, counts it, and keeps
 * the answer under the key: two trips to the database. A refusal of the rules is not kept: the same key may try again.
 */
export async function performAct<L>(room: SandboxRoom, act: Act<L>): Promise<SandboxAnswer> {
  const key = act.key ?? null;
  if (key !== null && (key === '' || Buffer.byteLength(key) > limits.keyBytesMax))
    throw new Refused(400, 'INVALID', `An Idempotency-Key has 1 to ${limits.keyBytesMax} bytes.`);
  const acting = room.together
    ? room.together.do(act)
    : room.db.transaction(async (tx) => (await lookFirst(tx, act))(tx, 0));
  const { answer, change, byPerson } = await acting.catch((error: unknown) => {
    // A key that came again after its day: what it made the first time is still there.
    if (isTaken(error)) throw new Refused(409, 'IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used long ago.');
    throw error;
  });
  if (answer instanceof Refused) throw answer;
  if (change) room.changes.tell(change);
  if (byPerson) room.acted?.(act.kind);
  return answer;
}

/** Acts that share neither account nor item, in one transaction; a refusal of one is its answer and hurts no other. */
export async function performTogether(db: Db, acts: readonly AnyAct[]): Promise<Acted[]> {
  return db.transaction(async (tx) => {
    const deciding = await Promise.all(acts.map((act) => lookFirst(tx, act)));
    const counted = new Map<string, number>();
    return deciding.map((decide, n): Acted => {
      const { projectId = '' } = acts[n] ?? {};
      try {
        const acted = decide(tx, counted.get(projectId) ?? 0);
        if (acted.counted) counted.set(projectId, (counted.get(projectId) ?? 0) + 1);
        return acted;
      } catch (error) {
        if (error instanceof Refused) return { answer: error };
        throw error;
      }
    });
  });
}

/** Asks what the act must know; what it answers decides, and sends what is to be written. `before`: acts of the same fleet that this transaction has counted already. */
async function lookFirst<L>(tx: Tx, act: Act<L>): Promise<(tx: Tx, before: number) => Acted> {
  const { projectId, account, at, kind } = act;
  const key = act.key ?? null;
  const digest = createHash('sha256').update(act.digest).digest();
  const keysSince = new Date(at.getTime() - limits.keyKeepMs);
  const [actor, seen] = await Promise.all([
    readActor(tx, { projectId, accountId: account.id, key, at, keysSince }),
    act.look(tx),
  ]);
  return (tx, before) => {
    if (!actor) throw new Refused(403, 'AGENT_UNKNOWN', 'This account is not here any more.');
    const kept = keptAnswer(actor, digest);
    if (kept) return { answer: kept };
    if (actor.isAgent) requireBudget(actor, at, before);
    const done = act.body(tx, actor, seen);
    const body = JSON.stringify(done.value);
    if (key !== null) keepAnswer(tx, { accountId: actor.id, key, digest, status: done.status, body, at });
    if (done.counts) countAct(tx, { projectId, accountId: actor.id, isAgent: actor.isAgent, kind, at });
    const answer = textAnswer(done.status, body);
    const { counts, change } = done;
    const { isAgent } = actor;
    return { answer, counted: counts && isAgent, byPerson: counts && !isAgent, ...(change ? { change } : {}) };
  };
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
function requireBudget(actor: ActorRow, at: Date, before: number): void {
  if (actor.paused) throw fleetPaused();
  const over = (
    used: number | null,
    cap: number | null,
    code: RefusalCode,
    period: 'day' | 'month',
    own: boolean,
  ): void => {
    if (used === null || cap === null || used + (own ? 0 : before) < cap) return;
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
