import { mindLimits as limits } from './limits.ts';

/** What a failed call means. `sent: false`: surely nothing was paid for. */
export type CallFault =
  | {
      kind: 'rate_limited';
      detail: string;
      retryAfterMs: number | undefined;
      headers: Readonly<Record<string, string>>;
    }
  /** Worth another try. */
  | { kind: 'transient'; detail: string; retryAfterMs: number | undefined; sent: boolean }
  /** The key or the model's name is wrong: a person has to look. */
  | { kind: 'refused'; detail: string; reason: 'mind_key_refused' | 'mind_model_unknown' }
  /** Our request does not please; another of the same kind will not either. */
  | { kind: 'request'; detail: string };

const transient = new Set([408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Sorts whatever the SDK threw. Of the provider's words only a few are kept, without anything as long as a key. */
export function faultOf(error: Error): CallFault {
  const status = Reflect.get(error, 'statusCode') as unknown;
  const headers = headersOf(error);
  if (typeof status !== 'number') return withoutAnswer(error);
  const retryAfterMs = retryAfterOf(headers);
  const detail = `the provider answered ${status}`;
  if (status === 429) return { kind: 'rate_limited', detail, retryAfterMs, headers };
  const said = `${detail}: ${error.message.replaceAll(/\S{16,}/g, '…').slice(0, 160)}`;
  if (status === 401 || status === 403) return { kind: 'refused', detail: said, reason: 'mind_key_refused' };
  if (status === 404) return { kind: 'refused', detail: said, reason: 'mind_model_unknown' };
  // A 200 that the SDK could not read is an answer that was paid for.
  if (status < 300) return { kind: 'transient', detail: 'the answer could not be read', retryAfterMs, sent: true };
  if (transient.has(status) || status >= 500) return { kind: 'transient', detail, retryAfterMs, sent: false };
  return { kind: 'request', detail: said };
}

function withoutAnswer(error: Error): CallFault {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth += 1) {
    const code = Reflect.get(at, 'code') as unknown;
    const inside: unknown = at instanceof AggregateError ? at.errors[0] : undefined;
    const known =
      typeof code === 'string' ? code : inside instanceof Error ? (Reflect.get(inside, 'code') as unknown) : '';
    if (typeof known === 'string' && neverSent.has(known)) {
      return { kind: 'transient', detail: `nobody answers there (${known})`, retryAfterMs: undefined, sent: false };
    }
  }
  return {
    kind: 'transient',
    detail: 'the connection broke before a whole answer',
    retryAfterMs: undefined,
    sent: true,
  };
}

function headersOf(error: Error): Readonly<Record<string, string>> {
  const headers = Reflect.get(error, 'responseHeaders') as unknown;
  return typeof headers === 'object' && headers !== null ? (headers as Record<string, string>) : {};
}

/** Seconds, a date, or milliseconds where a provider says them; at most a minute, and never in the past. */
function retryAfterOf(headers: Readonly<Record<string, string>>): number | undefined {
  const ms = headers['retry-after-ms'];
  const after = headers['retry-after'] ?? '';
  // A date is read by the provider's own clock.
  const until = /^\w{3}, /.test(after) ? Date.parse(after) - Date.parse(headers['date'] ?? '') : Number.NaN;
  const wait = ms !== undefined ? Number(ms) : /^\d/.test(after) ? Number(after) * 1_000 : until;
  return wait >= 0 ? Math.min(wait, limits.retryAfterMsMax) : undefined;
}
