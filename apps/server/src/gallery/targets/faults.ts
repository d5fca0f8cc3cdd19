import type { TargetFault, TransportAnswer, TransportError } from '#gallery/model';
import { never } from '#kernel/base';
import { type AnswerBounds, answerBounds, targetLimits } from './limits.ts';
import { retryAfterOf, skewOf, wakeAt } from './wake.ts';

/**
 * - `read` changes nothing · `prepare` changes nothing anybody sees and may be repeated (uploads, accounts)
 * - `write` is seen by others, so it is never repeated on a guess
 */
export type CallKind = 'read' | 'prepare' | 'write';

/** What a call is, as far as the meaning of its answer depends on it. */
export type Asked = {
  kind: CallKind;
  /** 404 says that the item, or the person, is gone; elsewhere it says that this is not the gallery we take it for. */
  mayBeGone: boolean;
  /** It carries a key the target keeps. */
  keyed: boolean;
};

/** The target knows the key of a write with another body: an earlier try, with a fresh upload, did arrive. */
export const keyKnown = 'the key is known with another body';

const sleeps = {
  FLEET_DAILY_BUDGET_EXCEEDED: { scope: 'target', reason: 'target_fleet_daily_budget' },
  FLEET_MONTHLY_BUDGET_EXCEEDED: { scope: 'target', reason: 'target_fleet_monthly_budget' },
  AGENT_DAILY_LIMIT_EXCEEDED: { scope: 'bot', reason: 'target_agent_daily_limit' },
  AGENT_MONTHLY_LIMIT_EXCEEDED: { scope: 'bot', reason: 'target_agent_monthly_limit' },
} as const;

const isSleep = (code: string): code is keyof typeof sleeps => Object.hasOwn(sleeps, code);

/** What an answer that is not a success means; `undefined` for 2xx. The whole table of gallery.md §7, in its order. */
export function faultOf(
  answer: TransportAnswer,
  asked: Asked,
  now: number,
  bounds: AnswerBounds = answerBounds(),
): TargetFault | undefined {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return undefined;
  const said = status >= 400 ? membersOf(answer) : {};
  const code = typeof said['code'] === 'string' ? said['code'] : '';
  const skewMs = skewOf(headers['date'], now);
  if (status === 429 || status === 503) {
    if (isSleep(code)) return { kind: 'sleep', ...sleeps[code], wakeAt: wakeAt(said['resetAt'], now, skewMs, bounds) };
    if (code === 'FLEET_PAUSED') return { kind: 'held', reason: 'target_fleet_paused' };
    const retryAfterMs = retryAfterOf(headers['retry-after'], now, skewMs);
    return {
      kind: 'unavailable',
      reason: status === 429 ? 'target_rate_limited' : 'target_unreachable',
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }
  if (status >= 500) {
    // Whoever answered (often a proxy) does not know what became of a write either.
    if (asked.kind === 'write') return { kind: 'unknown', detail: `answered ${status}` };
    return { kind: 'unavailable', reason: 'target_unreachable' };
  }
  if (status === 401) return { kind: 'held', reason: 'target_unauthorized' };
  // A full store is no verdict on the account.
  if (status === 403 && 'quota' in said) return { kind: 'invalid', reason: 'target_invalid', body: textOf(answer) };
  if (status === 403) return { kind: 'account', reason: 'target_forbidden' };
  if (status === 404 || status === 410) {
    return asked.mayBeGone
      ? { kind: 'gone', reason: 'item_gone' }
      : {
          kind: 'contract',
          reason: 'target_contract',
          detail: `answered ${status}: is this the address of the gallery?`,
        };
  }
  if (status === 409 && asked.kind === 'write' && asked.keyed) return { kind: 'unknown', detail: keyKnown };
  if (status >= 300 && status < 400) return { kind: 'held', reason: 'redirect_refused' };
  if (status >= 400) return { kind: 'invalid', reason: 'target_invalid', body: textOf(answer) };
  return unreadable(asked, `answered ${status}`);
}

/** Not JSON, cut off, too long, of another shape. */
export const unreadable = (asked: Asked, detail: string): TargetFault =>
  asked.kind === 'write' ? { kind: 'unknown', detail } : { kind: 'unavailable', reason: 'bad_response' };

/** What it means that there is no answer. `withheld`: our own last look said no. */
export function faultWithout(error: TransportError, asked: Asked, withheld: boolean): TargetFault {
  if (withheld && !error.sent) return { kind: 'dropped' };
  if (asked.kind === 'write' && error.sent) return { kind: 'unknown', detail: error.message };
  if (error.why === 'aborted') return { kind: 'dropped' };
  if (error.why === 'too_large' || (error.why === 'cut' && error.sent))
    return { kind: 'unavailable', reason: 'bad_response' };
  return { kind: 'unavailable', reason: 'target_unreachable' };
}

/** The members of an answer that is a JSON object; none of any other. */
function membersOf(answer: TransportAnswer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(answer.body).toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

const textOf = ({ body }: TransportAnswer): string =>
  Buffer.from(body.subarray(0, targetLimits.refusalBytesMax)).toString('utf8');

/** One plain sentence for logs and people. */
export function sentenceOf(fault: TargetFault, route: string): string {
  switch (fault.kind) {
    case 'sleep':
      return `The target wants ${fault.scope === 'bot' ? 'this bot' : 'the fleet'} to rest until ${new Date(fault.wakeAt).toISOString()} (${route}).`;
    case 'held':
      return heldSentences[fault.reason];
    case 'unavailable':
      return `The target did not answer ${route} as it should (${fault.reason}).`;
    case 'contract':
      return `The target does not keep the contract at ${route}: ${fault.detail}.`;
    case 'account':
      return `The target refuses this account at ${route}.`;
    case 'gone':
      return `What ${route} asked for is gone.`;
    case 'invalid':
      return `The target refuses our request at ${route}: ${fault.body.slice(0, 200)}`;
    case 'unknown':
      return `Nobody knows whether ${route} was done: ${fault.detail}.`;
    case 'dropped':
      return `${route} was given up before anything was sent.`;
    default:
      return never(fault);
  }
}

const heldSentences = {
  target_fleet_paused: 'The operator of the target paused all bots; a person opens the gate again when they may go on.',
  target_unauthorized: 'The target does not take the token. Set a valid one, then open the target.',
  target_no_token: 'This target has no token; nothing is sent without one.',
  redirect_refused:
    'The target sends its callers elsewhere. Set the base URL it really has; redirects are not followed.',
} as const satisfies Record<Extract<TargetFault, { kind: 'held' }>['reason'], string>;
