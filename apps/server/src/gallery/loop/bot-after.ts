import { type GalleryBotEvent, type GalleryBotState, galleryBotMachine, refusalOf } from '@muster/protocol';
import type { BotRow, Draws } from '#gallery/model';
import { lateSpreadMs } from './schedule.ts';

/** Failures in a row after which a bot rests, and after which it needs a person. */
export const failuresToRest = 3;
export const failuresToGiveUp = 20;
const restMs = 30_000;
const restMsMax = 3_600_000;

export type BotHappening =
  | { type: Exclude<GalleryBotEvent, 'sleep' | 'fail' | 'broken'> }
  | { type: 'sleep'; until: number; reason: string }
  | { type: 'fail'; reason: string }
  | { type: 'broken'; reason: string };

export type BotContext = {
  now: number;
  draws: Draws;
  /** `nextThinkAt` of this bot with a gap stretched so much; asked for `ok` and `fail` alone. */
  next?: (stretch: number) => number | null;
};
export type BotAnswer = { refused: string } | { row: BotRow; moved: boolean };

/**
 * What an event makes of a bot's row: the one place that fills in what `galleryBotMachine` leaves to the row. Pure. What
 * people command raises `generation`, so that a think under way can no longer move the state; a running bot whose
 * `nextThinkAt` is `null` is scheduled by its owner. `moved: false` is the answer "same", or a stale event.
 */
export function botAfter(event: BotHappening, row: BotRow, context: BotContext): BotAnswer {
  const refused = refusalOf<GalleryBotState, GalleryBotEvent>(galleryBotMachine, row.state, event.type);
  if (refused !== undefined) return { refused };
  const change = changeOf(event, row, context);
  return change ? { row: { ...row, ...change }, moved: true } : { row, moved: false };
}

/** When the owner looks at this bot next; `null` when only a command moves it on, or nobody scheduled it yet. */
export function timerOf(row: Pick<BotRow, 'state' | 'nextThinkAt' | 'sleepUntil' | 'retryAt'>): number | null {
  if (row.state === 'running') return row.nextThinkAt;
  if (row.state === 'sleeping') return row.sleepUntil;
  return row.state === 'error' ? row.retryAt : null;
}

type Change = Partial<BotRow>;

/** `undefined`: the event means nothing here. */
function changeOf(event: BotHappening, row: BotRow, context: BotContext): Change | undefined {
  switch (event.type) {
    case 'start':
    case 'resume':
      return started(row, context.now);
    case 'pause':
      return row.state === 'paused'
        ? undefined
        : commanded(row, {
            desired: 'paused',
            state: 'paused',
            reason: null,
            retryAt: null,
            sleepUntil: row.sleepUntil,
          });
    case 'stop':
      return row.state === 'idle' && row.desired !== 'running'
        ? undefined
        : commanded(row, { desired: 'stopped', state: 'idle', reason: null, failures: 0 });
    case 'wake':
      return row.state === 'error' && row.provision !== 'done'
        ? started(row, context.now)
        : commanded(row, { desired: 'running', state: 'running', reason: null, nextThinkAt: context.now });
    case 'delete':
      return row.state === 'deleted'
        ? undefined
        : commanded(row, { desired: 'deleted', state: 'deleted', reason: null, failures: 0 });
    case 'restore':
      return commanded(row, { desired: 'stopped', state: 'idle', reason: null });
    case 'purge':
      return undefined; // the row goes with its account on the target
    case 'provisioned':
      return row.state === 'idle' && row.desired === 'running'
        ? commanded(row, { state: 'running', reason: null })
        : undefined;
    case 'sleep':
      return slept(row, event);
    case 'due':
      return row.state === 'sleeping' && (row.sleepUntil ?? 0) <= context.now ? woke(context) : undefined;
    case 'ok':
      return row.state === 'running'
        ? { failures: 0, reason: null, nextThinkAt: context.next?.(1) ?? null }
        : row.failures > 0
          ? { failures: 0 }
          : undefined;
    case 'fail':
      return row.state === 'running' ? failed(row, event.reason, context) : undefined;
    case 'broken':
      return row.state === 'deleted' || row.state === 'paused'
        ? undefined
        : { state: 'error', reason: event.reason, retryAt: null, sleepUntil: null, nextThinkAt: null };
    case 'retry':
    default:
      return row.state === 'error' && row.retryAt !== null && row.retryAt <= context.now
        ? { state: 'running', retryAt: null, nextThinkAt: context.now }
        : undefined;
  }
}

/** A command of a person: timers go, unless said otherwise, and thinks under way lose their say. */
const commanded = (row: BotRow, change: Change): Change => ({
  sleepUntil: null,
  retryAt: null,
  nextThinkAt: null,
  ...change,
  generation: row.generation + 1,
});

function started(row: BotRow, now: number): Change | undefined {
  if (row.state === 'running' || row.state === 'sleeping') return undefined;
  if (row.state === 'idle' && row.desired === 'running') return undefined;
  const asleep = row.state === 'paused' && row.sleepUntil !== null && row.sleepUntil > now;
  if (asleep) return commanded(row, { desired: 'running', state: 'sleeping', sleepUntil: row.sleepUntil });
  // Without an account there is nobody to act as; the job that makes it moves the bot on.
  return row.provision === 'done'
    ? commanded(row, { desired: 'running', state: 'running', reason: null, failures: 0 })
    : commanded(row, { desired: 'running', state: 'idle', reason: 'provisioning', failures: 0 });
}

function slept(row: BotRow, { until, reason }: { until: number; reason: string }): Change | undefined {
  if (row.state === 'running') return { state: 'sleeping', sleepUntil: until, reason, nextThinkAt: null };
  if (row.state !== 'sleeping' && row.state !== 'paused') return undefined;
  if (row.sleepUntil !== null && row.sleepUntil >= until) return undefined;
  return row.state === 'paused' ? { sleepUntil: until } : { sleepUntil: until, reason };
}

const woke = ({ now, draws }: BotContext): Change => ({
  state: 'running',
  reason: null,
  sleepUntil: null,
  nextThinkAt: now + Math.floor(draws.next() * lateSpreadMs),
});

function failed(row: BotRow, reason: string, { now, draws, next }: BotContext): Change {
  const failures = row.failures + 1;
  if (failures < failuresToRest) return { failures, reason, nextThinkAt: next?.(2 ** failures) ?? null };
  const rest = Math.min(restMsMax, restMs * 2 ** (failures - failuresToRest));
  const retryAt = failures >= failuresToGiveUp ? null : now + Math.round(rest * (0.8 + 0.4 * draws.next()));
  return { failures, reason, state: 'error', retryAt, nextThinkAt: null };
}
