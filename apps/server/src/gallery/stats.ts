import { type ActKind, actKinds, type GalleryStats } from '@muster/protocol';
import { personaDefaults } from '#gallery/personas';
import type { Principal } from '#kernel/auth';
import { invalid } from '#kernel/base';
import { roomLimits } from './limits.ts';
import { readTargets } from './queries/fleet.ts';
import { type BotSum, type By, type DecisionSum, sumBots, sumDecisions, type Window } from './queries/measures.ts';
import type { Room } from './room.ts';

export type WindowInput = { from?: string | undefined; to?: string | undefined };
type Kinds = Record<ActKind, number>;

const none = (): Kinds => ({ post: 0, comment: 0, reply: 0, like: 0, browse: 0 });

/** The last day unless said. `invalid` `invalid_query` when it ends before it begins or is longer than 92 days. */
export function windowOf(room: Pick<Room, 'clock'>, who: Principal, input: WindowInput): Window {
  const to = input.to === undefined ? new Date(room.clock.now() + 1) : new Date(input.to);
  const from = input.from === undefined ? new Date(to.getTime() - 86_400_000) : new Date(input.from);
  const length = to.getTime() - from.getTime();
  if (length > 0 && length <= roomLimits.windowMsMax) return { projectId: who.projectId, from, to };
  throw invalid('invalid_query', `?from: expected up to ${roomLimits.windowMsMax / 86_400_000} days before ?to.`, {
    errors: [{ pointer: '?from', detail: 'a window begins before it ends and is at most 92 days long' }],
  });
}

/** What bots wanted and did over a window, as a whole or by group. Decisions are kept for some days; see the settings. */
export async function statsOfGallery(
  room: Room,
  who: Principal,
  input: WindowInput & { by?: Exclude<By, null> | undefined },
): Promise<GalleryStats> {
  await room.ready(who.projectId);
  const window = windowOf(room, who, input);
  const by = input.by ?? null;
  const [decisions, bots, targets, sandbox] = await Promise.all([
    sumDecisions(room.db, window, by),
    sumBots(room.db, who.projectId, by === 'hour' ? null : by, personaDefaults.odds),
    readTargets(room.db, who.projectId),
    room.sandboxActs(who.projectId, window.from.getTime(), window.to.getTime() - 1),
  ]);
  const names = new Set([
    ...(by === 'hour' ? [] : bots.map(({ group }) => group)),
    ...decisions.map(({ group }) => group),
    ...(by === null ? [null] : []),
  ]);
  const groups = [...names].sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1));
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    by,
    groups: groups.map((group) =>
      groupStats(
        group,
        decisions.filter((row) => row.group === group),
        by === 'hour' ? [] : bots.filter((row) => row.group === group),
        bots,
      ),
    ),
    share: Object.fromEntries(targets.map(({ id, share }) => [id, share])),
    sandbox,
  };
}

function groupStats(
  group: string | null,
  decisions: readonly DecisionSum[],
  bots: readonly BotSum[],
  everybody: readonly BotSum[],
): GalleryStats['groups'][number] {
  const sum = (rows: readonly DecisionSum[], read: (row: DecisionSum) => number): number =>
    rows.reduce((total, row) => total + read(row), 0);
  const acted = decisions.filter(({ result }) => result === 'acted');
  const done = none();
  for (const { kind, n } of acted) if (isKind(kind)) done[kind] += n;
  const skips: Record<string, number> = {};
  for (const { result, reason, n } of decisions)
    if (result === 'skipped' || result === 'blocked') skips[reason ?? result] = (skips[reason ?? result] ?? 0) + n;
  const states: Record<string, number> = {};
  for (const { state, n } of bots) states[state] = (states[state] ?? 0) + n;
  return {
    group,
    bots: bots.reduce((total, { n }) => total + n, 0),
    states,
    thinks: sum(decisions, ({ n }) => n),
    done,
    mix: { wanted: percent(wantedOf(bots.length > 0 ? bots : everybody)), done: percent(done) },
    skips,
    failed: sum(
      decisions.filter(({ result }) => result === 'failed'),
      ({ n }) => n,
    ),
    costMicros: sum(decisions, ({ costMicros }) => costMicros),
    tokensIn: sum(decisions, ({ tokensIn }) => tokensIn),
    tokensOut: sum(decisions, ({ tokensOut }) => tokensOut),
  };
}

const isKind = (kind: string): kind is ActKind => actKinds.some((known) => known === kind);

export function wantedOf(bots: readonly BotSum[]): Kinds {
  const wanted = none();
  for (const bot of bots) for (const kind of actKinds) wanted[kind] += bot.wanted[kind];
  return wanted;
}

/** Shares of a whole, to a tenth of a per cent; all 0 when there is nothing. */
export function percent(of: Kinds): Kinds {
  const whole = actKinds.reduce((total, kind) => total + of[kind], 0);
  const shares = none();
  for (const kind of actKinds) shares[kind] = whole === 0 ? 0 : Math.round((1_000 * of[kind]) / whole) / 10;
  return shares;
}
