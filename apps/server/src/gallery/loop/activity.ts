import { type ActivityData, type ActivityType, galleryLimits } from '@muster/protocol';
import type { Tx } from '#kernel/db';
import type { Crossing } from '#kernel/meter';
import { cutTo } from './observe.ts';
import type { Emitted, Happening, ThinkingDeps } from './think-deps.ts';
import { furtherId } from './think-id.ts';
import type { One } from './think-one.ts';

/* What a think tells: the thought with its reason, then what came of it (gallery.md §2.3). */

const cut = (text: string): string =>
  text.length <= galleryLimits.activityCharsMax ? text : `${cutTo(text, galleryLimits.activityCharsMax - 1)}…`;

/** Rows of a think that is over, in the order of the feed. The first one carries the think's own id. */
export function happeningsOf(one: One): Happening[] {
  const { ending, decided } = one;
  if (!ending) throw new Error(`invariant broken: think ${one.thoughtId} has no end`);
  const { decision } = decided ?? {};
  const about = decided?.offer?.item;
  const data: ActivityData = {
    targetId: one.target.id,
    ...(about ? { itemId: about.id } : {}),
    ...(about?.author ? { targetUser: about.author.username } : {}),
    ...(decision ? { decision: decision.do } : {}),
    ...(decided ? { mind: decided.mind } : {}),
    ...(ending.reason === null ? {} : { reason: ending.reason }),
    ...(one.cost.calls > 0
      ? {
          costMicros: one.cost.costMicros,
          tokensIn: one.cost.tokensIn,
          tokensOut: one.cost.tokensOut,
          latencyMs: one.cost.latencyMs,
        }
      : {}),
  };
  const row = (type: ActivityType, message: string, more: ActivityData = {}): Omit<Happening, 'id'> => ({
    projectId: one.bot.projectId,
    botId: one.bot.id,
    botName: one.bot.name,
    personaId: one.bot.personaId,
    type,
    message: cut(message),
    at: one.at,
    thoughtId: one.thoughtId,
    data: { ...data, ...more },
  });
  const rows = rowsOf(one, row);
  return rows.map((happening, n) => ({
    ...happening,
    id: n === 0 ? one.thoughtId : furtherId(one.thoughtId, `activity ${n}`),
  }));
}

type Row = (type: ActivityType, message: string, more?: ActivityData) => Omit<Happening, 'id'>;

function rowsOf(one: One, row: Row): Omit<Happening, 'id'>[] {
  const { ending, decided, planned } = one;
  const degraded = one.fellBackFrom ? ` (${one.fellBackFrom.mind} failed: ${one.fellBackFrom.reason})` : '';
  const thought = decided ? [row('thought', `${decided.decision.why}${degraded}`)] : [];
  switch (ending?.result) {
    case 'acted':
      if (!planned) return [row('browse', browsed(one))];
      return [...thought, row(planned.kind, acted(one), remoteOf(one))];
    case 'skipped':
      return [row('skipped', `Left it: ${ending.reason ?? 'nothing to do'}.`)];
    case 'blocked':
      return [...thought, row('blocked', `The guard stopped a text: ${ending.reason ?? 'unknown'}.`)];
    case 'dropped':
      return [...thought, row('skipped', `Dropped before it was sent: ${ending.reason ?? 'stopped'}.`)];
    case 'failed':
      return [...thought, row('error', `Failed: ${ending.reason ?? 'internal'}.`)];
    case 'put_off':
    case undefined:
    default:
      return [];
  }
}

function remoteOf({ planned, outcome }: One): ActivityData {
  const remoteId = outcome?.remoteId;
  if (!remoteId || !planned) return {};
  if (planned.kind === 'post') return { itemId: remoteId };
  return planned.kind === 'like' ? {} : { commentId: remoteId };
}

function browsed({ decided }: One): string {
  const item = decided?.offer?.item;
  return item ? `Looked at “${item.title}” by ${item.author?.username ?? 'unknown'}.` : 'Looked around.';
}

function acted({ planned, decided, corrected }: One): string {
  const title = decided?.offer?.item.title ?? '';
  switch (planned?.kind) {
    case 'post':
      return planned.content;
    case 'comment':
      return `On “${title}”: ${planned.content}`;
    case 'reply':
      return `Under “${title}”: ${planned.content}`;
    case 'like':
      return `Likes “${title}” by ${planned.author ?? 'unknown'}.${
        corrected === true ? ' The toggle had taken the like away and was pressed once more.' : ''
      }`;
    case undefined:
    default:
      return '';
  }
}

/** Caps that came near, or were reached: each once for its period, in the transaction that crossed it. */
export function crossingsTold(
  deps: Pick<ThinkingDeps, 'tell' | 'emit' | 'clock'>,
  tx: Tx,
  crossed: readonly Crossing[],
): void {
  if (crossed.length === 0) return;
  const at = deps.clock.now();
  deps.tell(
    tx,
    crossed.map(
      (one): Happening => ({
        id: furtherId(
          `${one.projectId} ${one.scope} ${one.measure} ${one.period}`,
          `${one.startsAt} ${one.kind} ${one.cap}`,
        ),
        projectId: one.projectId,
        botId: one.scope.startsWith('bot:') ? one.scope.slice('bot:'.length) : null,
        botName: null,
        personaId: null,
        type: 'budget',
        message: `${one.scope}: ${one.measure} of this ${one.period} ${
          one.kind === 'warned' ? 'at 80 % of' : 'reached'
        } ${one.cap}.`,
        at,
        data: { reason: one.kind },
      }),
    ),
  );
  deps.emit(
    tx,
    crossed.map(
      (one): Emitted => ({
        projectId: one.projectId,
        type: one.kind === 'warned' ? 'gallery.budget.warned' : 'gallery.budget.reached',
        reason: one.measure,
        data: { scope: one.scope, period: one.period, cap: one.cap, spent: one.spent, endsAt: one.endsAt },
      }),
    ),
  );
}
