import type { Gate } from '@muster/protocol';
import { z } from 'zod';
import { bioOf, TargetError, type TargetFault } from '#gallery/model';
import { jitter, MusterError } from '#kernel/base';
import { cancel, done, type Handler, type Outcome, snooze } from '#kernel/queue';
import type { TargetsDeps } from './deps.ts';
import { targetLimits as limits } from './limits.ts';
import * as accounts from './queries/accounts.ts';
import type { TargetRegistry } from './registry.ts';
import { deprovisionKind, provisionKind } from './request-accounts.ts';
import type { TargetClient } from './target-client.ts';

type Deps = TargetsDeps & { registry: TargetRegistry };
type Inside = Deps & {
  /** Gates that are being shut: jobs that hear the same at once tell of it once. */
  holding: Map<string, Promise<void>>;
};

const provisionPayload = z.object({ botId: z.string() });
const deprovisionPayload = z.object({ botId: z.string(), purge: z.boolean(), had: z.boolean() });

/** Before `queue.start`. */
export function registerAccountJobs(given: Deps): void {
  const deps = { ...given, holding: new Map<string, Promise<void>>() };
  deps.queue.handle(provisionKind, provisionJob(deps), { concurrency: limits.accountJobs });
  deps.queue.handle(deprovisionKind, deprovisionJob(deps), { concurrency: limits.accountJobs });
}

/** Makes the account of one bot. The row decides whether it is still wanted; the target gives the same account twice. */
export const provisionJob =
  (deps: Inside): Handler =>
  async (job) => {
    const payload = provisionPayload.safeParse(job.payload);
    if (!payload.success) return cancel('payload is not {botId}');
    const { botId } = payload.data;
    const account = await accounts.readAccount(deps.db, botId);
    if (account?.provision !== 'pending') return done;
    if (account.state === 'deleted') {
      await deps.db.transaction(async (tx) => accounts.forgetRequest(tx, botId));
      return done;
    }
    try {
      const target = await deps.registry.acting(account.projectId, account.targetId);
      const shut = shutUntil(deps, target.row.gate);
      if (shut !== undefined) return await waitFor(deps, account, target.row.gate.reason, shut);
      const { name, username, personaId, vibe, disclosureLabel } = account;
      const bio = bioOf(vibe, disclosureLabel);
      const { userId } = await target.provision({ botId, name, username, bio, personaId });
      if (!(await provisioned(deps, account, userId))) await takeBack(deps, target, botId);
      return done;
    } catch (error) {
      return await putOff(deps, account, error);
    }
  };

/** Takes the account of one bot away, and with `purge` the bot. Until the target let go the row stays `removing`, with the reason. */
export const deprovisionJob =
  (deps: Inside): Handler =>
  async (job) => {
    const payload = deprovisionPayload.safeParse(job.payload);
    if (!payload.success) return cancel('payload is not {botId, purge, had}');
    const { botId, purge, had } = payload.data;
    const account = await accounts.readAccount(deps.db, botId);
    if (!account) return done;
    // The other job of this bot took the account away; the bot itself is still to go.
    if (account.provision !== 'removing' && !(purge && account.provision === 'removed')) return done;
    try {
      if (had && account.provision === 'removing') {
        const target = await deps.registry.acting(account.projectId, account.targetId);
        const shut = shutUntil(deps, target.row.gate);
        if (shut !== undefined) return await waitFor(deps, account, target.row.gate.reason, shut);
        await target.deprovision(botId);
      }
      await removed(deps, account, purge);
      return done;
    } catch (error) {
      return await putOff(deps, account, error);
    }
  };

type Account = accounts.AccountRow;

/** `false`: nobody waits for it any more. */
async function provisioned(deps: Deps, account: Account, userId: string): Promise<boolean> {
  const now = deps.clock.now();
  return await deps.db.transaction(async (tx) => {
    const { botId, projectId } = account;
    const marked = await accounts.markProvisioned(tx, { botId, userId, at: new Date(now) });
    if (!marked) return false;
    deps.tell(tx, [
      told(account, 'provisioned', `${account.name} has an account on ${account.targetId}, as an automated one.`, now),
    ]);
    tx.afterCommit(async () => void (await deps.botsChanged(projectId, [botId])));
    return true;
  });
}

/** A bot that was deleted while its account was made may have been removed before it was there: it must not stay behind. */
async function takeBack(deps: Deps, target: TargetClient, botId: string): Promise<void> {
  const now = await accounts.readAccount(deps.db, botId);
  if (!now || now.state === 'deleted') await target.deprovision(botId);
}

async function removed(deps: Deps, account: Account, purge: boolean): Promise<void> {
  const now = deps.clock.now();
  await deps.db.transaction(async (tx) => {
    const { botId, projectId } = account;
    const gone = purge ? await accounts.purgeBot(tx, botId) : await accounts.markRemoved(tx, botId, new Date(now));
    if (!gone) return;
    const message = purge
      ? `${account.name} is gone from ${account.targetId} and from here, with its memory.`
      : `${account.name} has no account on ${account.targetId} any more.`;
    deps.tell(tx, [told(account, 'removed', message, now)]);
    if (purge) deps.emit(tx, [{ projectId, type: 'gallery.bot.purged', targetId: account.targetId, botId }]);
    tx.afterCommit(async () => void (await deps.botsChanged(projectId, [botId])));
  });
}

/** When to look at a shut gate again; `undefined`: it is open. Whoever opens it asks for the accounts that wait. */
function shutUntil({ clock, random }: Deps, gate: Gate): number | undefined {
  const now = clock.now();
  if (gate.state === 'held') return now + jitter(limits.accountHeldMs, 0.2, random);
  if (gate.state === 'open' || gate.until === null || gate.until <= now) return undefined;
  return gate.until + Math.round(random() * limits.accountRetryMs);
}

async function waitFor(deps: Deps, account: Account, reason: string | null, until: number): Promise<Outcome> {
  const { botId } = account;
  const delay = { botId, detail: reason ?? 'target_held', at: new Date(deps.clock.now()) };
  await deps.db.transaction(async (tx) => accounts.noteDelay(tx, delay));
  return snooze(until);
}

/** What a failure means for the job: come again when that may help, or say that a person is needed. */
async function putOff(deps: Inside, account: Account, thrown: unknown): Promise<Outcome> {
  const now = deps.clock.now();
  const at = new Date(now);
  const { botId, projectId, targetId } = account;
  if (thrown instanceof MusterError && thrown.reason === 'target_not_acknowledged') {
    await deps.db.transaction(async (tx) => accounts.noteDelay(tx, { botId, detail: thrown.reason, at }));
    // Whoever acknowledges it asks for the accounts that wait; one that is to go comes again by itself.
    return account.provision === 'pending' ? done : snooze(now + jitter(limits.accountHeldMs, 0.2, deps.random));
  }
  if (!(thrown instanceof TargetError)) throw thrown;
  const { fault } = thrown;
  const detail = detailOf(fault, thrown.message);
  if (refuses(fault) && account.provision === 'pending') {
    await refused(deps, account, reasonOf(fault), detail);
    return done;
  }
  await deps.db.transaction(async (tx) => accounts.noteDelay(tx, { botId, detail, at }));
  if (fault.kind === 'held') await holdGate(deps, projectId, targetId, fault.reason);
  return snooze(againAt(deps, fault, now));
}

/** Asking again would hear the same. */
const refuses = (fault: TargetFault): boolean => fault.kind === 'account' || fault.kind === 'invalid';
const reasonOf = (fault: TargetFault): string => ('reason' in fault ? fault.reason : fault.kind);
const detailOf = (fault: TargetFault, message: string): string => `${reasonOf(fault)}: ${message}`.slice(0, 1_000);

async function refused(deps: Deps, account: Account, reason: string, detail: string): Promise<void> {
  const now = deps.clock.now();
  await deps.db.transaction(async (tx) => {
    const { botId, projectId } = account;
    const marked = await accounts.markRefused(tx, { botId, reason, detail, at: new Date(now) });
    if (!marked) return;
    if (marked.broke)
      deps.emit(tx, [{ projectId, type: 'gallery.bot.failed', targetId: account.targetId, botId, reason }]);
    deps.tell(tx, [
      told(account, 'error', `${account.targetId} gives ${account.name} no account. ${detail}`, now, reason),
    ]);
    tx.afterCommit(async () => void (await deps.botsChanged(projectId, [botId])));
  });
}

/** One alert for the target, not one for each bot that waits. */
async function holdGate(deps: Inside, projectId: string, targetId: string, reason: string): Promise<void> {
  const key = `${projectId}/${targetId}`;
  const holding =
    deps.holding.get(key) ?? shutGate(deps, projectId, targetId, reason).finally(() => deps.holding.delete(key));
  deps.holding.set(key, holding);
  await holding;
}

async function shutGate(deps: Deps, projectId: string, targetId: string, reason: string): Promise<void> {
  deps.registry.forget(projectId, targetId);
  const { row } = await deps.registry.of(projectId, targetId);
  if (row.gate.state === 'held') return;
  await deps.setGate(projectId, targetId, 'held', 'system', reason);
  deps.registry.forget(projectId, targetId);
}

function againAt(deps: Deps, fault: TargetFault, now: number): number {
  if (fault.kind === 'sleep') return fault.wakeAt + Math.round(deps.random() * limits.accountRetryMs);
  const needsPerson = fault.kind === 'held' || fault.kind === 'contract' || refuses(fault);
  const asked = fault.kind === 'unavailable' ? (fault.retryAfterMs ?? 0) : 0;
  const pauseMs = needsPerson ? limits.accountHeldMs : Math.max(asked, limits.accountRetryMs);
  return now + jitter(pauseMs, 0.2, deps.random);
}

const told = (
  { projectId, botId, name, personaId, targetId }: Account,
  type: 'provisioned' | 'removed' | 'error',
  message: string,
  at: number,
  reason?: string,
): Parameters<TargetsDeps['tell']>[1][number] => ({
  projectId,
  botId,
  botName: name,
  personaId,
  type,
  message,
  at,
  data: { targetId, ...(reason === undefined ? {} : { reason }) },
});
