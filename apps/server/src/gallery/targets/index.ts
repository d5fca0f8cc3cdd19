/**
 * Where gallery bots act: the client of the FloImg contract, which galleries there are, who answers for bots on them, and
 * the accounts bots have there.
 */
import type { Tx } from '#kernel/db';
import type { Routes } from '#kernel/http';
import { registerAccountJobs } from './account-jobs.ts';
import type { TargetsDeps } from './deps.ts';
import { ensureTargets } from './ensure-targets.ts';
import { targetLimits } from './limits.ts';
import { TargetRegistry } from './registry.ts';
import { askProvisioning, askRemoval } from './request-accounts.ts';
import { targetRoutes } from './routes.ts';
import type { TargetClient } from './target-client.ts';

export { acknowledgementTextVersion } from './acknowledge-target.ts';
export { agentUuid } from './agent-uuid.ts';
export { Breaker, type BreakerView } from './breaker.ts';
export { type CallerOptions, type Credentials, requireActing } from './caller.ts';
export { targetCheckSchema } from './check-shape.ts';
export type { TargetsConfig, TargetsDeps } from './deps.ts';
export type { Executed } from './execute.ts';
export { type GateChange, gateFor } from './gate-for.ts';
export { Lane } from './lane.ts';
export { lookFor, lookTwice, type Sighting, type Sought } from './look-for.ts';
export { createTargetMetrics } from './metrics.ts';
export { networkTransport } from './network-transport.ts';
export type { PublicationThere } from './speaker.ts';
export { createTarget, type TargetClient } from './target-client.ts';

export type Targets = {
  /** The client of a target, from a row at most a second old. `notFound` `no_such_target`. */
  of(projectId: string, targetId: string): Promise<TargetClient>;
  /** As `of`, for whoever is about to act: also `conflict` `target_not_acknowledged`. */
  acting(projectId: string, targetId: string): Promise<TargetClient>;
  /** After a change to the row, here or on another node. */
  forget(projectId: string, targetId: string): void;
  /** After its gate was opened: the breaker gives it a fresh chance. */
  calm(projectId: string, targetId: string): void;
  /** In the transaction that makes sure of a project's fleet: the target the settings name. */
  ensureTargets(tx: Tx, projectId: string): Promise<void>;
  /** In the caller's transaction: accounts are made by jobs. Answers how many bots wait for one now. */
  askProvisioning(tx: Tx, asked: { projectId: string; botIds: readonly string[]; again?: boolean }): Promise<number>;
  /** In the caller's transaction: accounts of deleted bots go by jobs, and with `purge` the bots. Answers how many are on their way. */
  askRemoval(tx: Tx, asked: { projectId: string; botIds: readonly string[]; purge: boolean }): Promise<number>;
  /** Before `http.start`. */
  routes(http: Routes): void;
};

/** Call before `queue.start`: the jobs that make and remove accounts are made known to it here. */
export function createTargets(deps: TargetsDeps): Targets {
  const registry = new TargetRegistry(deps);
  const inside = { ...deps, registry };
  registerAccountJobs(inside);
  declareLimits(deps, registry);
  return {
    of: (projectId, id) => registry.of(projectId, id),
    acting: (projectId, id) => registry.acting(projectId, id),
    forget: (projectId, id) => registry.forget(projectId, id),
    calm: (projectId, id) => registry.calm(projectId, id),
    ensureTargets: (tx, projectId) => ensureTargets(deps, tx, projectId),
    askProvisioning: (tx, asked) => askProvisioning(deps, tx, asked),
    askRemoval: (tx, asked) => askRemoval(deps, tx, asked),
    routes: targetRoutes(inside),
  };
}

function declareLimits({ limits }: TargetsDeps, registry: TargetRegistry): void {
  limits.add({
    name: 'gallery.targets',
    unit: 'count',
    value: targetLimits.targetsMax,
    whenFull: 'Another target of the project gets 429 targets_full until one is removed.',
  });
  limits.add({
    name: 'gallery.targetLine',
    unit: 'count',
    value: targetLimits.lineMax,
    whenFull: 'Calls of one target beyond it are put off (target_rate_limited).',
    used: () => registry.longestLine(),
  });
}
