import { type Transport, type TransportAnswer, TransportError } from '#gallery/model';
import { asError, MusterError } from '#kernel/base';
import type { Outbound, OutboundAnswer } from '#kernel/outbound';
import { targetLimits } from './limits.ts';

export type NetworkOptions = {
  outbound: Outbound;
  /** Of the target, absolute, with or without a path of its own. */
  baseUrl: string;
  /** The operator's environment named it, so it may be a private address. */
  trusted: boolean;
};

/** Calls over the network, by the guard of outgoing calls. A redirect is an answer and is not followed. */
export function networkTransport({ outbound, baseUrl, trusted }: NetworkOptions): Transport {
  const base = baseUrl.replace(/\/+$/, '');
  const host = URL.parse(baseUrl)?.host;
  return async (call) => {
    const url = call.path.startsWith('/') ? base + call.path : call.path;
    let sent = false;
    try {
      const answer = await outbound.call({
        url,
        method: call.method,
        headers: call.headers,
        ...(call.body === undefined ? {} : { body: call.body }),
        signal: call.signal,
        timeoutMs: call.timeoutMs,
        connectMs: targetLimits.connectMs,
        answerBytesMax: call.bodyBytesMax,
        // What the target names is the target's word, not the operator's, unless it is the target itself.
        trusted: trusted && URL.parse(url)?.host === host,
        may: () => {
          sent = call.may?.() ?? true;
          return sent;
        },
      });
      return answerOf(answer);
    } catch (error) {
      throw failureOf(error, sent);
    }
  };
}

const answerOf = ({ status, headers, body }: OutboundAnswer): TransportAnswer => ({
  status,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  ),
  body,
});

const whys: Readonly<Record<string, TransportError['why']>> = {
  url_malformed: 'not_allowed',
  address_not_allowed: 'not_allowed',
  outbound_withheld: 'not_allowed',
  outbound_unresolved: 'unreachable',
  outbound_refused: 'unreachable',
  outbound_untrusted: 'unreachable',
  outbound_broken: 'cut',
  outbound_timeout: 'timeout',
  outbound_answer_too_large: 'too_large',
  outbound_aborted: 'aborted',
  outbound_busy: 'busy',
};

function failureOf(thrown: unknown, sent: boolean): Error {
  const why = thrown instanceof MusterError ? whys[thrown.reason] : undefined;
  const error = asError(thrown);
  return why === undefined ? error : new TransportError(why, sent, error.message, { cause: error });
}
