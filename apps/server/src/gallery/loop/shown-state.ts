import {
  type Attribution,
  type GalleryBotState,
  type GalleryWaiting,
  type GalleryWaitingReason,
  type Gate,
  galleryFailures,
  galleryWaitingReasons,
} from '@muster/protocol';
import type { BotRow } from '#gallery/model';

export type ShownBot = Pick<
  BotRow,
  'state' | 'reason' | 'sleepUntil' | 'retryAt' | 'provision' | 'desired' | 'nextThinkAt'
>;
export type Above = {
  fleetGate: Gate;
  targetGate: Gate;
  now: number;
  /** The target is the sandbox, or somebody acknowledged it. Default true. */
  acknowledged?: boolean;
  /** Of the target. Default 1. */
  share?: number;
  /** By the bot's curve: `asleepUntil` of schedule.ts. */
  asleepUntil?: number | null;
  /** What the owner of its shard is about, when it is not simply there. */
  owner?: 'no_owner' | 'restoring' | 'draining';
  /** What its last think was put off for, and until when. */
  putOff?: { reason: string; until: number | null };
};

/**
 * What people see of a bot below its gates: the state with the overlay of §2.6, and why nothing happens. Pure; the same
 * rule as the filters of lists (in SQL it is the room’s).
 */
export function shownState(bot: ShownBot, above: Above): { state: GalleryBotState; waiting: GalleryWaiting | null } {
  if (bot.state !== 'running') return { state: bot.state, waiting: waitingOf(bot) };
  const gate = strongest(above.fleetGate, above.targetGate);
  if (gate) {
    const fallback = gate.state === 'tripped' ? 'target_unreachable' : 'target_held';
    return { state: overlay[gate.state], waiting: waiting(gate.reason ?? fallback, gate.until) };
  }
  return { state: 'running', waiting: whyNot(bot, above) };
}

const overlay = { open: 'running', sleeping: 'sleeping', held: 'paused', tripped: 'running' } as const;
const strength = { open: 0, tripped: 1, sleeping: 2, held: 3 } as const;

/** Of two gates the one that says most; the fleet's when they say the same. */
export function strongest(fleet: Gate, target: Gate): Gate | undefined {
  const gate = strength[target.state] > strength[fleet.state] ? target : fleet;
  return gate.state === 'open' ? undefined : gate;
}

function waitingOf({ state, desired, provision, reason, sleepUntil, retryAt }: ShownBot): GalleryWaiting | null {
  if (state === 'sleeping') return waiting(reason ?? 'bot_budget', sleepUntil);
  if (state === 'idle' && desired === 'running' && provision !== 'done') return waiting('provisioning', null);
  if (state !== 'error') return null;
  const caused = waiting(reason ?? 'internal', retryAt);
  const detail = retryAt === null ? `${caused.detail} It needs a person.` : `${caused.detail} It is tried again.`;
  return { ...caused, detail, remedy: caused.remedy ?? 'See its last activities, mend the cause and start it again.' };
}

function whyNot({ reason, nextThinkAt }: ShownBot, above: Above): GalleryWaiting | null {
  if (above.acknowledged === false) return waiting('target_not_acknowledged', null);
  if (above.share === 0) return waiting('phased_out', null);
  if (above.owner) return waiting(above.owner, null);
  const { putOff } = above;
  if (putOff) return waiting(putOff.reason in galleryWaitingReasons ? putOff.reason : 'backoff', putOff.until);
  if (above.asleepUntil) return waiting('outside_active_hours', above.asleepUntil);
  if (reason === null) return null;
  return reason in galleryWaitingReasons ? waiting(reason, nextThinkAt) : waiting('backoff', nextThinkAt);
}

function waiting(reason: string, resumesAt: number | null): GalleryWaiting {
  const known: Readonly<Record<string, readonly [detail: string, remedy: string | null]>> = words;
  const [detail, remedy] = known[reason] ?? [`It stopped on ${reason}.`, null];
  return {
    reason,
    detail,
    attribution: attributionOf(reason),
    resumesAt: resumesAt === null ? null : new Date(resumesAt).toISOString(),
    remedy,
  };
}

function attributionOf(reason: string): Attribution {
  const known: Readonly<Record<string, Attribution>> = { ...galleryWaitingReasons, ...galleryFailures };
  return known[reason] ?? 'system';
}

/** What it means, and what to do about it when anything. */
const words: Readonly<Record<GalleryWaitingReason, readonly [detail: string, remedy: string | null]>> = {
  provisioning: ['Its account on the target is being made.', 'See the target when this lasts longer than a minute.'],
  outside_active_hours: ['By its curve it is asleep at this local hour.', 'Change its curve or time zone.'],
  bot_budget: ['A daily cap of this bot is used up.', 'Raise its budget, or wait for UTC midnight.'],
  fleet_budget: ['A cap of the fleet is used up.', 'Raise the budget of the fleet, or wait for the next period.'],
  target_fleet_daily_budget: ['The target lets this fleet do no more today.', 'Ask its operator for a higher limit.'],
  target_fleet_monthly_budget: [
    'The target lets this fleet do no more this month.',
    'Ask its operator for a higher limit.',
  ],
  target_agent_daily_limit: ['The target lets this bot do no more today.', null],
  target_agent_monthly_limit: ['The target lets this bot do no more this month.', null],
  target_fleet_paused: [
    'The operator of the target has paused all agents.',
    'Open the gate of the target when they agree.',
  ],
  target_rate_limited: ['The target asks for fewer requests.', 'Lower the requests per second of the target.'],
  target_unreachable: ['The target does not answer as it should; it is tried again.', 'Run the check of the target.'],
  target_unauthorized: ['The target refuses our token.', 'Set a valid token and open the gate of the target.'],
  target_not_acknowledged: ['Nobody has confirmed yet that this target may be acted on.', 'Acknowledge the target.'],
  target_held: ['Somebody holds this target.', 'Open the gate of the target.'],
  phased_out: [
    'People are active enough: the share of bots on this target is 0.',
    'Change the phase-out of the target.',
  ],
  panic: ['The fleet was stopped by the kill switch.', 'Release the fleet.'],
  backoff: ['Its last think failed; the pause before the next one is longer.', null],
  mind_unavailable: ['Its mind does not answer, and there is no other.', 'Test the mind, or set a fallback.'],
  capacity: ['More bots are due than this server can serve.', 'Give the server more room, or run fewer bots.'],
  draining: ['The server that owns it is stopping.', null],
  no_owner: ['No server owns it at the moment.', 'Wait for a lease (10 s), or start a server.'],
  restoring: ['The server is still reading its bots.', null],
};
