import type { BotRow, Draws, EffectiveTraits } from '#gallery/model';
import { type BotHappening, botAfter } from './bot-after.ts';
import { asleepUntil, nextThinkAt } from './schedule.ts';

const hour = 3_600_000;

export type NextOf = {
  traits: Pick<EffectiveTraits, 'curve' | 'timezone' | 'minIntervalMs' | 'maxIntervalMs'>;
  share: number;
  from: number;
  draws: Draws;
  stretch?: number;
  first?: boolean;
};

/** When a bot with these traits thinks next, and why that is long, when it is. A share of 0 is looked at hourly. */
export function nextThink({ traits, ...given }: NextOf): {
  at: number;
  reason: 'outside_active_hours' | 'phased_out' | null;
} {
  const { curve, timezone, minIntervalMs, maxIntervalMs } = traits;
  const at = nextThinkAt({ curve, timezone, minIntervalMs, maxIntervalMs, ...given });
  if (at === null) return { at: given.from + hour, reason: 'phased_out' };
  return { at, reason: asleepUntil(traits, given.from) === null ? null : 'outside_active_hours' };
}

/** What the end of a think makes of the fields that the state machine owns; those of the next gap are the caller's. */
export function afterThink(
  bot: BotRow,
  event: Extract<BotHappening, { type: 'ok' | 'sleep' | 'fail' | 'broken' }>,
  at: number,
  draws: Draws,
): Pick<BotRow, 'state' | 'reason' | 'sleepUntil' | 'retryAt' | 'failures'> {
  const answer = botAfter(event, bot, { now: at, draws });
  const { state, reason, sleepUntil, retryAt, failures } = 'row' in answer ? answer.row : bot;
  return { state, reason, sleepUntil, retryAt, failures };
}
