import type { IncomingHttpHeaders } from 'node:http';

export type OutboundCall = {
  url: string;
  method: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Ends the call early. */
  signal?: AbortSignal;
  /** At most the limits of the room. */
  timeoutMs?: number;
  answerBytesMax?: number;
};

/** Whatever status it has; a redirect is an answer like any other and is not followed. */
export type OutboundAnswer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/**
 * The one way out: every call this server makes to an address somebody gave it goes through here. The name is resolved
 * once, the addresses are checked, and the connection is made to one of those checked, whatever the name says by then.
 */
export interface Outbound {
  /**
   * What can be said of a URL without a connection, names looked up. `invalid`: `url_malformed` (no URL, another scheme, a user part),
   * `address_not_allowed` (naming the range and the setting). A name that cannot be looked up now passes; each call looks again.
   */
  check(url: string): Promise<void>;
  /**
   * Errors: as `check`; `unavailable`: `outbound_unresolved`, `outbound_refused`, `outbound_broken` (connection cut, not HTTP),
   * `outbound_untrusted` (TLS), `outbound_timeout`, `outbound_answer_too_large`, `outbound_aborted`; `exhausted` `outbound_busy`.
   */
  call(call: OutboundCall): Promise<OutboundAnswer>;
}
