import { faultKinds } from '@muster/protocol';
import { z } from 'zod';
import { drawsOf } from '#gallery/model';
import type { Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import { readFaults, spendFault } from '../queries/rules.ts';
import type { Changes } from './changes.ts';
import { sandboxLimits as limits } from './limits.ts';

export const faultSchema = z.strictObject({
  match: z
    .strictObject({
      method: z.enum(['GET', 'POST', 'PUT', 'DELETE']).optional(),
      /** A path of the contract; a `*` stands for any one step, or for the rest at its end. */
      path: z
        .string()
        .regex(/^\/[A-Za-z0-9_/*.:-]*$/, 'expected a path such as /api/showcase/*')
        .max(200)
        .optional(),
      username: z.string().max(100).optional(),
    })
    .default({}),
  kind: z.enum(faultKinds),
  probability: z.number().gt(0).max(1).default(1),
  /** How often it strikes; left out: until it expires. */
  times: z.number().int().min(1).max(1_000_000).optional(),
  delayMs: z.number().int().min(0).max(limits.faultDelayMsMax).default(0),
});
export type Fault = z.output<typeof faultSchema>;
export type ActiveFault = Fault & { id: string; timesLeft: number | null; expiresAt: Date };

/** Which mishap, if any, strikes a call. Faults live in rows; they are kept in memory until rules change. */
export class FaultDesk {
  readonly #db: Db;
  readonly #changes: Changes;
  readonly #kept = new Map<string, { revision: string; faults: Promise<ActiveFault[]> }>();
  readonly #struck = new Map<string, number>();

  constructor(db: Db, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  /** Those that may still strike, in their order. */
  async active(projectId: string, clock: Clock): Promise<ActiveFault[]> {
    const now = clock.now();
    return (await this.#all(projectId)).filter(
      ({ expiresAt, timesLeft }) => expiresAt.getTime() > now && timesLeft !== 0,
    );
  }

  #all(projectId: string): Promise<ActiveFault[]> {
    const revision = this.#changes.rulesRevision(projectId);
    const known = this.#kept.get(projectId);
    if (known?.revision === revision) return known.faults;
    const faults = readFaults(this.#db, projectId, new Date(0)).then((rows) =>
      rows.map(({ id, body, leftOver, expiresAt }) => ({
        ...faultSchema.parse(body),
        id,
        timesLeft: leftOver,
        expiresAt,
      })),
    );
    const entry = { revision, faults };
    this.#kept.set(projectId, entry);
    faults.catch(() => {
      if (this.#kept.get(projectId) === entry) this.#kept.delete(projectId);
    });
    return faults;
  }

  /** The first that matches and is drawn; one of its times is used up. */
  async strike(
    projectId: string,
    call: { method: string; path: string; username: string | undefined },
    clock: Clock,
  ): Promise<ActiveFault | undefined> {
    for (const fault of await this.active(projectId, clock)) {
      if (!matches(fault.match, call)) continue;
      const times = this.#struck.get(fault.id) ?? 0;
      if (this.#struck.size > limits.faultsMax * 20) this.#struck.clear();
      this.#struck.set(fault.id, times + 1);
      // Drawn from the fault and the number of the call: the same calls meet the same mishaps.
      if (!drawsOf('fault', fault.id, times).chance(fault.probability)) continue;
      if (fault.timesLeft !== null && !(await this.#spend(projectId, fault))) continue;
      return fault;
    }
    return undefined;
  }

  /** One of its times, of which the row knows; one that has none left is not asked for again. */
  async #spend(projectId: string, fault: ActiveFault): Promise<boolean> {
    if (fault.timesLeft === 0) return false;
    const spent = await this.#db.transaction((tx) => spendFault(tx, projectId, fault.id));
    if (!spent) fault.timesLeft = 0;
    return spent;
  }
}

function matches(match: Fault['match'], call: { method: string; path: string; username: string | undefined }): boolean {
  if (match.method !== undefined && match.method !== call.method) return false;
  if (match.username !== undefined && match.username !== call.username) return false;
  return match.path === undefined || pathMatches(match.path, call.path);
}

export function pathMatches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.at(-1) === '*' && given.length >= wanted.length) given.length = wanted.length;
  return (
    wanted.length === given.length &&
    wanted.every((step, i) => step === '*' || step.startsWith(':') || step === given[i])
  );
}
