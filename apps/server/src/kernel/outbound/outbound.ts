import type { IncomingHttpHeaders } from 'node:http';

export type OutboundCall = {
  url: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Ends the call early. */
  signal?: AbortSignal;
  /** From the first look-up to the last byte of the answer. Default 10 s, at most 3 minutes. */
  timeoutMs?: number;
  /** Of that, until there is a connection. */
  connectMs?: number;
  answerBytesMax?: number;
  /**
   * The last look, asked at most once: the connection is there, and nothing is awaited between the answer and the first
   * byte. `false` ends the call with `outbound_withheld`. As long as it was not asked, nothing of the call has left.
   */
  may?: () => boolean;
  /**
   * The operator named this address in the environment: private addresses and plain http are called. Never for what came in
   * over the API. Addresses of cloud metadata still need to be named in MUSTER_OUTBOUND_ALLOW.
   */
  trusted?: boolean;
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
   * `outbound_untrusted` (TLS), `outbound_timeout`, `outbound_answer_too_large`, `outbound_aborted`, `outbound_withheld`;
   * `exhausted` `outbound_busy`.
   */
  call(call: OutboundCall): Promise<OutboundAnswer>;
}
