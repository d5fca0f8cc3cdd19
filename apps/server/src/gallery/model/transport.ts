/** One request to a target, already complete. */
export type TransportCall = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its query, relative to the base of the target; an absolute URL only for an upload the target named. */
  path: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** From the first byte sent to the last one read. */
  timeoutMs: number;
  bodyBytesMax: number;
  signal: AbortSignal;
  /** The last look: asked with nothing awaited between it and the first byte. `false`: nothing is sent. */
  may?: () => boolean;
};

export type TransportAnswer = {
  status: number;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
};

/** Why there is no answer. `sent: false`: surely nothing reached the other side. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly sent: boolean;
  readonly why: 'not_allowed' | 'unreachable' | 'cut' | 'timeout' | 'too_large' | 'aborted' | 'busy';

  constructor(why: TransportError['why'], sent: boolean, message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
    this.sent = sent;
  }
}

/** Over the network by the guard of `kernel/outbound`, or straight into the sandbox of this process: the same bytes. */
export type Transport = (call: TransportCall) => Promise<TransportAnswer>;
