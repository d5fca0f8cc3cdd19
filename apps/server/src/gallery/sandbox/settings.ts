import { z } from 'zod';
import { type Principal, writeAudit } from '#kernel/auth';
import { invalid } from '#kernel/base';
import {
  clearGallery,
  lockSettings,
  readFaults,
  readSettings,
  replaceFaults,
  type SettingsRow,
  writeSettings,
} from './queries/rules.ts';
import { faultSchema } from './room/fault-desk.ts';
import { freshId } from './room/ids.ts';
import { sandboxLimits as limits } from './room/limits.ts';
import type { SandboxRoom } from './room/room.ts';

const cap = z.number().int().min(0).max(2_000_000_000).nullable();
export const settingsSchema = z.strictObject({
  /** The kill switch of this gallery: bots get 503 FLEET_PAUSED. */
  paused: z.boolean(),
  fleetDailyMax: cap,
  fleetMonthlyMax: cap,
  agentDailyMax: cap,
  agentMonthlyMax: cap,
  version: z.number().int(),
});
export type SandboxSettings = z.output<typeof settingsSchema>;
export const patchSettingsSchema = settingsSchema.omit({ version: true }).partial();

const asNever: SettingsRow = {
  paused: false,
  fleetDailyMax: null,
  fleetMonthlyMax: null,
  agentDailyMax: null,
  agentMonthlyMax: null,
  version: 1,
};

/** `forbidden` `missing_scope`. */
export async function showSettings(room: SandboxRoom, who: Principal): Promise<SandboxSettings> {
  room.auth.requireScope(who, 'gallery:read');
  return (await readSettings(room.db, who.projectId)) ?? asNever;
}

/** Errors: `forbidden` `missing_scope`, `conflict` `version_conflict`. */
export async function changeSettings(
  room: SandboxRoom,
  who: Principal,
  patch: z.output<typeof patchSettingsSchema>,
  requireVersion: (version: number) => void,
): Promise<SandboxSettings> {
  room.auth.requireScope(who, 'gallery:admin');
  const { projectId } = who;
  const at = new Date(room.clock.now());
  const after = await room.db.transaction(async (tx) => {
    const before = await lockSettings(tx, projectId, at);
    requireVersion(before.version);
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
    const settings: SettingsRow = { ...before, ...given };
    await writeSettings(tx, projectId, settings, at);
    await writeAudit(tx, { who, action: 'gallery.sandbox_settings', subject: 'sandbox', before, after: settings });
    return { ...settings, version: before.version + 1 };
  });
  room.changes.tell({ what: 'rules', projectId });
  return after;
}

export const faultsSchema = z.strictObject({ items: z.array(faultSchema).max(limits.faultsMax) });
export type NewFaults = z.output<typeof faultsSchema>['items'];
export const shownFaultSchema = faultSchema.extend({
  id: z.string(),
  timesLeft: z.number().int().nullable(),
  expiresAt: z.iso.datetime(),
});
type ShownFault = z.output<typeof shownFaultSchema>;

/** Those that may still strike. `forbidden` `missing_scope`. */
export async function showFaults(room: SandboxRoom, who: Principal): Promise<{ items: ShownFault[] }> {
  room.auth.requireScope(who, 'gallery:read');
  return { items: await faultsOf(room, who.projectId) };
}

async function faultsOf(room: SandboxRoom, projectId: string): Promise<ShownFault[]> {
  const rows = await readFaults(room.db, projectId, new Date(room.clock.now()));
  return rows.map(({ id, body, leftOver, expiresAt }) => ({
    ...faultSchema.parse(body),
    id,
    timesLeft: leftOver,
    expiresAt: expiresAt.toISOString(),
  }));
}

/** Puts these in place of all faults; they end by themselves after an hour. `forbidden` `missing_scope`. */
export async function putFaults(
  room: SandboxRoom,
  who: Principal,
  faults: NewFaults,
): Promise<{ items: ShownFault[] }> {
  room.auth.requireScope(who, 'gallery:admin');
  await orderFaults(room, who.projectId, faults, who);
  return { items: await faultsOf(room, who.projectId) };
}

export async function orderFaults(
  room: SandboxRoom,
  projectId: string,
  faults: NewFaults,
  who?: Principal,
): Promise<void> {
  const expiresAt = new Date(room.clock.now() + limits.faultTtlMs);
  const rows = faults.map((fault) => ({
    id: freshId('fault'),
    body: fault,
    leftOver: fault.times ?? null,
    expiresAt,
  }));
  await room.db.transaction(async (tx) => {
    await replaceFaults(tx, projectId, rows);
    if (who) await writeAudit(tx, { who, action: 'gallery.sandbox_faults', subject: 'sandbox', after: faults });
  });
  room.changes.tell({ what: 'rules', projectId });
}

/** What must be typed. */
export const resetWords = 'reset the sandbox';
export const resetSchema = z.strictObject({ confirm: z.string().max(100) });

/**
 * Forgets every item, comment, like, upload and count of the project; accounts stay, and who wants no bots.
 * Errors: `forbidden` `missing_scope`, `invalid` `not_confirmed`.
 */
export async function resetByHand(
  room: SandboxRoom,
  who: Principal,
  input: z.output<typeof resetSchema>,
): Promise<void> {
  room.auth.requireScope(who, 'gallery:admin');
  if (input.confirm !== resetWords) {
    const errors = [{ pointer: '/confirm', detail: `type: ${resetWords}` }];
    throw invalid('not_confirmed', `Nothing was reset. Send confirm: ${JSON.stringify(resetWords)}.`, { errors });
  }
  await resetSandbox(room, who.projectId, who);
}

export async function resetSandbox(room: SandboxRoom, projectId: string, who?: Principal): Promise<void> {
  await room.views.flush();
  await room.db.transaction(async (tx) => {
    await clearGallery(tx, projectId);
    if (who) await writeAudit(tx, { who, action: 'gallery.sandbox_reset', subject: 'sandbox' });
  });
  room.changes.tell({ what: 'all', projectId });
}
