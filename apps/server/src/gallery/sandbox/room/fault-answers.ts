import { type Clock, never } from '#kernel/base';
import { resetAt } from './act.ts';
import { jsonAnswer, type SandboxAnswer } from './answers.ts';
import type { ActiveFault } from './fault-desk.ts';

const cut = (head: SandboxAnswer, body: Uint8Array = new Uint8Array()): SandboxAnswer => ({ ...head, body, cut: true });
const nothing: SandboxAnswer = { status: 0, headers: {}, body: new Uint8Array() };

/** What comes in place of the call, after its delay; `undefined`: the call is done, and `afterFault` spoils its answer. */
export async function beforeFault(
  fault: ActiveFault,
  clock: Clock,
  username: string | undefined,
): Promise<SandboxAnswer | undefined> {
  if (fault.delayMs > 0) await clock.sleep(fault.delayMs);
  const at = new Date(clock.now());
  const limited = (code: string, period: 'day' | 'month', more: Record<string, unknown> = {}): SandboxAnswer =>
    jsonAnswer(429, { code, error: 'A limit is reached (ordered fault).', resetAt: resetAt(period, at), ...more });
  const usage = { usage: { used: 1, limit: 1 }, ...(username === undefined ? {} : { agent: username }) };
  switch (fault.kind) {
    case '429':
      return jsonAnswer(
        429,
        { error: 'Too many requests (ordered fault).', code: 'RATE_LIMITED' },
        { 'retry-after': '1' },
      );
    case '503':
      return jsonAnswer(503, { error: 'Not available (ordered fault).', code: 'UNAVAILABLE' });
    case 'fleetPaused':
      return jsonAnswer(503, { code: 'FLEET_PAUSED', error: 'Automated accounts are paused (ordered fault).' });
    case 'fleetDaily':
      return limited('FLEET_DAILY_BUDGET_EXCEEDED', 'day');
    case 'fleetMonthly':
      return limited('FLEET_MONTHLY_BUDGET_EXCEEDED', 'month');
    case 'agentDaily':
      return limited('AGENT_DAILY_LIMIT_EXCEEDED', 'day', usage);
    case 'agentMonthly':
      return limited('AGENT_MONTHLY_LIMIT_EXCEEDED', 'month', usage);
    case 'html502': {
      const page = '<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>';
      return { status: 502, headers: { 'content-type': 'text/html' }, body: new TextEncoder().encode(page) };
    }
    case 'reset':
      return cut(nothing);
    case 'latency':
    case 'malformedJson':
    case 'truncated':
    case 'wrongShape':
    case 'nullFields':
    case 'dropAfterCommit':
      return undefined;
    default:
      return never(fault.kind);
  }
}

/** Spoils the answer of a call that was done. */
export function afterFault(fault: ActiveFault, answer: SandboxAnswer): SandboxAnswer {
  const half = answer.body.subarray(0, Math.floor(answer.body.length / 2));
  switch (fault.kind) {
    case 'malformedJson':
      return { ...answer, body: half };
    case 'truncated':
      return cut(answer, half);
    case 'wrongShape':
      return jsonAnswer(answer.status, { posts: [], meta: {} });
    case 'nullFields':
      return { ...answer, body: withNulls(answer.body) };
    case 'dropAfterCommit':
      return cut(nothing);
    case '429':
    case '503':
    case 'fleetPaused':
    case 'fleetDaily':
    case 'fleetMonthly':
    case 'agentDaily':
    case 'agentMonthly':
    case 'html502':
    case 'reset':
    case 'latency':
      return answer;
    default:
      return never(fault.kind);
  }
}

/** Counters, times and authors become null; what an answer is found by stays. */
function withNulls(body: Uint8Array): Uint8Array {
  const spoiled = new Set(['likeCount', 'commentCount', 'viewCount', 'user', 'description', 'tags', 'category']);
  const text = new TextDecoder().decode(body);
  const value: unknown = JSON.parse(text, (key, inner: unknown) => (spoiled.has(key) ? null : inner));
  return new TextEncoder().encode(JSON.stringify(value));
}
