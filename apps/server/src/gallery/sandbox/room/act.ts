import { createHash } from 'node:crypto';
import { must } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import {
  type ActorRow,
  type CountedAct,
  countActs,
  deleteLike,
  insertLikes,
  type KeptAnswer,
  keepAnswers,
  type MetItem,
  readActors,
  readMet,
} from '../queries/acts.ts';
import { insertComments } from '../queries/comments.ts';
import { insertImage } from '../queries/images.ts';
import { insertItem } from '../queries/items.ts';
import type { Act, Acted, Write } from './act-shape.ts';
import { type RefusalCode, Refused, type SandboxAnswer, textAnswer } from './answers.ts';
import { sandboxLimits as limits } from './limits.ts';
import type { SandboxRoom } from './room.ts';

/** A refusal of the rules is not kept: the same key may try again. */
export async function performAct(room: SandboxRoom, act: Act): Promise<SandboxAnswer> {
  const key = act.key ?? null;
  if (key !== null && (key === '' || Buffer.byteLength(key) > limits.keyBytesMax))
    throw new Refused(400, 'INVALID', `An Idempotency-Key has 1 to ${limits.keyBytesMax} bytes.`);
  const alone = async (): Promise<Acted> => must((await performTogether(room.db, [act]))[0], 'what became of an act');
  const { answer, change, byPerson } = await (room.together ? room.together.do(act) : alone()).catch(
    (error: unknown) => {
      // A key that came again after its day: what it made the first time is still there.
      if (isTaken(error)) throw new Refused(409, 'IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used long ago.');
      throw error;
    },
  );
  if (answer instanceof Refused) throw answer;
  if (change) room.changes.tell(change);
  if (byPerson) room.acted?.(act.kind);
  return answer;
}

/**
 * Acts that share neither account nor item, in one transaction of two trips: their accounts are locked, kill switch, budgets
 * and keys are checked, what is allowed is done and counted, and answers are kept under their keys. A refusal of one is its
 * answer and hurts no other.
 */
export async function performTogether(db: Db, acts: readonly Act[]): Promise<Acted[]> {
  return db.transaction(async (tx) => {
    const [actors, met] = await Promise.all([actorsOf(tx, acts), metBy(tx, acts)]);
    const counted = new Map<string, number>();
    const written = { writes: [] as Write[], kept: [] as KeptAnswer[], acts: [] as CountedAct[] };
    const outcomes = acts.map((act): Acted => {
      const { projectId, account, itemId } = act;
      const before = counted.get(projectId) ?? 0;
      try {
        const seen = { actor: actors.get(account.id), met: itemId === undefined ? undefined : met.get(itemId), before };
        const acted = decided(act, seen, written);
        if (acted.counted) counted.set(projectId, before + 1);
        return acted;
      } catch (error) {
        if (error instanceof Refused) return { answer: error };
        throw error;
      }
    });
    write(tx, written.writes);
    keepAnswers(tx, written.kept);
    countActs(tx, written.acts);
    return outcomes;
  });
}

const actorsOf = (tx: Tx, acts: readonly Act[]): Promise<Map<string, ActorRow>> =>
  readActors(
    tx,
    acts.map(({ projectId, account, key = null, at }) => ({
      projectId,
      accountId: account.id,
      key,
      at,
      keysSince: new Date(at.getTime() - limits.keyKeepMs),
    })),
  );

async function metBy(tx: Tx, acts: readonly Act[]): Promise<Map<string, MetItem>> {
  const meetings = acts.flatMap(({ projectId, account, kind, itemId }) =>
    itemId === undefined || kind === 'post' ? [] : [{ projectId, itemId, accountId: account.id, kind }],
  );
  return meetings.length === 0 ? new Map() : readMet(tx, meetings);
}

/** `before`: acts of the same fleet that this transaction counts already. */
function decided(
  act: Act,
  { actor, met, before }: { actor: ActorRow | undefined; met: MetItem | undefined; before: number },
  written: { writes: Write[]; kept: KeptAnswer[]; acts: CountedAct[] },
): Acted {
  const { projectId, kind, at, key } = act;
  if (!actor) throw new Refused(403, 'AGENT_UNKNOWN', 'This account is not here any more.');
  const digest = createHash('sha256').update(act.digest).digest();
  const kept = keptAnswer(actor, digest);
  if (kept) return { answer: kept };
  if (actor.isAgent) requireBudget(actor, at, before);
  const { status, value, counts, writes, change } = act.body(actor, met);
  const { id: accountId, isAgent } = actor;
  const body = JSON.stringify(value);
  written.writes.push(...writes);
  if (key !== undefined) written.kept.push({ accountId, key, digest, status, body, at });
  if (counts) written.acts.push({ projectId, accountId, isAgent, kind, at });
  return {
    answer: textAnswer(status, body),
    counted: counts && isAgent,
    byPerson: counts && !isAgent,
    ...(change ? { change } : {}),
  };
}

/** Travels with the commit. */
function write(tx: Tx, writes: readonly Write[]): void {
  for (const one of writes) {
    if ('image' in one) insertImage(tx, one.image);
    else if ('item' in one) insertItem(tx, one.item);
    else if ('unlike' in one) deleteLike(tx, one.unlike);
  }
  insertLikes(
    tx,
    writes.flatMap((one) => ('like' in one ? [one.like] : [])),
  );
  insertComments(
    tx,
    writes.flatMap((one) => ('comment' in one ? [one.comment] : [])),
  );
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
