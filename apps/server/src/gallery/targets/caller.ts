import {
  type Actor,
  TargetError,
  type TargetFault,
  type TargetRow,
  type Transport,
  type TransportAnswer,
  type TransportCall,
  TransportError,
} from '#gallery/model';
import { asError, type Clock, conflict, type Random } from '#kernel/base';
import { agentUuid } from './agent-uuid.ts';
import type { Breaker, Pass, Verdict } from './breaker.ts';
import { type Dialect, understood, written } from './dialects.ts';
import { type Asked, type CallKind, faultOf, faultWithout, sentenceOf, unreadable } from './faults.ts';
import { type Lane, LaneFull } from './lane.ts';
import { type AnswerBounds, answerBounds, targetLimits as limits } from './limits.ts';
import type { Route, TargetMetrics } from './metrics.ts';
import { Misfit } from './shapes.ts';

export type Credentials = { token: string | null; legacySecret: string | null };

export type CallerOptions = {
  row: TargetRow;
  credentials: Credentials;
  dialect: Dialect;
  transport: Transport;
  lane: Lane;
  breaker: Breaker;
  clock: Clock;
  random: Random;
  metrics: TargetMetrics;
  /** `Muster/<version> (gallery bots)`. */
  userAgent: string;
  pngOf: (svg: string) => Promise<Uint8Array>;
  bounds?: AnswerBounds;
};

/** One request in the words of the contract, and what makes sense of its answer. */
export type Spoken<T> = {
  route: Route;
  kind: CallKind;
  method: TransportCall['method'];
  path: string;
  /** Members of the JSON body as §7 names them; `undefined` ones are left out. */
  body?: Readonly<Record<string, unknown>>;
  /** A body that is no JSON, for an address the target named: our token does not go there. */
  raw?: { bytes: Uint8Array; mimeType: string };
  as?: Actor | null;
  key?: string;
  signal: AbortSignal;
  may?: () => boolean;
  mayBeGone?: boolean;
  timeoutMs?: number;
  bodyBytesMax?: number;
  /** Throws `Misfit`. */
  read: (json: unknown, answer: TransportAnswer) => T;
};

/**
 * The one way a request goes to a target: guard, breaker, lane, last look, answer read, and everything that can go wrong
 * turned into exactly one `TargetError`. Reads and preparations are tried again; writes only when surely nothing was sent.
 */
export class Caller {
  readonly #options: CallerOptions;
  readonly #bounds: AnswerBounds;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#bounds = options.bounds ?? answerBounds();
  }

  /** Throws `TargetError`; `conflict` `target_not_acknowledged` for anything but reads on a gallery nobody answers for. */
  async call<T>(spoken: Spoken<T>): Promise<T> {
    const { row, clock, random } = this.#options;
    if (spoken.kind !== 'read') requireActing(row);
    for (let tries = 0; ; tries++) {
      const tried = await this.#once(spoken);
      if ('value' in tried) return tried.value;
      const { fault, again, cause } = tried;
      const pauseMs = limits.retryMs[tries];
      const asked = fault.kind === 'unavailable' ? (fault.retryAfterMs ?? 0) : 0;
      if (!again || pauseMs === undefined || asked > limits.retryWaitMsMax) throw errorOf(fault, spoken.route, cause);
      // The gallery of this process is asked again at once: nothing heals by waiting there, and its clock may be held.
      if (row.kind === 'sandbox') continue;
      try {
        await clock.sleep(Math.max(asked, random() * pauseMs), spoken.signal);
      } catch {
        throw errorOf({ kind: 'dropped' }, spoken.route, cause);
      }
    }
  }

  async #once<T>(spoken: Spoken<T>): Promise<Tried<T>> {
    const { lane, breaker, clock, metrics, row } = this.#options;
    const noToken: TargetFault = { kind: 'held', reason: 'target_no_token' };
    const credential = this.#credential();
    if (credential === undefined) return { fault: noToken, again: false };
    const { state, until } = breaker.view();
    // Refused before the line, so that nobody waits, or uses up a turn, for nothing.
    if (state === 'open' && until !== null && clock.now() < until) return { fault: this.#refusal(until), again: false };
    let place: Disposable;
    try {
      place = await lane.enter(spoken.signal);
    } catch (error) {
      if (!(error instanceof LaneFull)) return { fault: { kind: 'dropped' }, again: false, cause: error };
      const { retryAfterMs } = error;
      return {
        fault: { kind: 'unavailable', reason: 'target_rate_limited', retryAfterMs },
        again: false,
        cause: error,
      };
    }
    using _ = place;
    const pass = breaker.ask(clock.now());
    if ('refusedUntil' in pass) return { fault: this.#refusal(pass.refusedUntil), again: false };
    const began = clock.monotonic();
    let sent: Sent<T> | undefined;
    try {
      sent = await this.#send(spoken, credential);
      const { code } = sent;
      metrics.answered({ target: row.id, route: spoken.route, code, tookMs: clock.monotonic() - began });
      return sent.tried;
    } finally {
      // Also when something of ours broke: a trial that is never told would keep the breaker shut for ever.
      this.#judge(pass, sent);
    }
  }

  async #send<T>(spoken: Spoken<T>, credential: string | null): Promise<Sent<T>> {
    const { transport, clock, dialect } = this.#options;
    const keyed = spoken.key !== undefined && this.#options.row.capabilities.idempotency;
    const asked: Asked = { kind: spoken.kind, mayBeGone: spoken.mayBeGone ?? false, keyed };
    const sight = { withheld: false };
    try {
      const answer = await transport(this.#request(spoken, credential, sight));
      const code = String(answer.status);
      const found = faultOf(answer, asked, clock.now(), this.#bounds);
      const fault = found && spoken.raw ? faultOfStore(found) : found;
      if (fault) {
        const again = fault.kind === 'unavailable' && asked.kind !== 'write';
        return { tried: { fault, again }, code, verdict: verdictOf(fault) };
      }
      try {
        const value = spoken.read(understood(dialect, jsonOf(answer, spoken)), answer);
        return { tried: { value }, code, verdict: 'good' };
      } catch (error) {
        if (!(error instanceof Misfit)) throw error;
        const contract = error.missing && asked.kind === 'read';
        const misread: TargetFault = contract
          ? { kind: 'contract', reason: 'target_contract', detail: error.message }
          : unreadable(asked, error.message);
        const again = misread.kind === 'unavailable';
        return { tried: { fault: misread, again, cause: error }, code: 'unreadable', verdict: 'bad' };
      }
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const fault = faultWithout(error, asked, sight.withheld);
      // A write that was sent is `unknown`, never `unavailable`.
      const again = fault.kind === 'unavailable' && error.why !== 'not_allowed';
      const verdict = error.why === 'aborted' || sight.withheld ? 'none' : 'bad';
      return { tried: { fault, again, cause: error }, code: error.why, verdict };
    }
  }

  #request<T>(spoken: Spoken<T>, credential: string | null, sight: { withheld: boolean }): TransportCall {
    const { kind, raw, body, may } = spoken;
    const { dialect } = this.#options;
    const bytes = raw?.bytes ?? (body === undefined ? undefined : encode(written(dialect, body)));
    return {
      method: spoken.method,
      path: spoken.path,
      headers: raw ? this.#plainHeaders(raw.mimeType) : this.#headers(spoken, credential),
      ...(bytes === undefined ? {} : { body: bytes }),
      timeoutMs: spoken.timeoutMs ?? (kind === 'read' ? limits.readMs : limits.writeMs),
      bodyBytesMax: spoken.bodyBytesMax ?? this.#bounds.targetBodyBytesMax,
      signal: spoken.signal,
      may: () => {
        sight.withheld = spoken.signal.aborted || may?.() === false;
        return !sight.withheld;
      },
    };
  }

  #plainHeaders(mimeType: string): Record<string, string> {
    return { 'content-type': mimeType, 'user-agent': this.#options.userAgent };
  }

  #headers<T>({ as, key, body }: Spoken<T>, credential: string | null): Record<string, string> {
    const { token, legacySecret } = this.#options.credentials;
    return {
      ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
      accept: 'application/json',
      'user-agent': this.#options.userAgent,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(as ? { 'x-agent-id': as.username } : {}),
      ...(as && token === null && legacySecret !== null ? { 'x-bot-id': agentUuid(as.botId) } : {}),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
  }

  /** `null`: none is needed, the sandbox of this process knows its own bots. `undefined`: there is none. */
  #credential(): string | null | undefined {
    const { token, legacySecret } = this.#options.credentials;
    if (token !== null) return token;
    if (legacySecret !== null) return `bot_${legacySecret}`;
    return this.#options.row.kind === 'sandbox' ? null : undefined;
  }

  #refusal(until: number): TargetFault {
    const retryAfterMs = Math.max(1, until - this.#options.clock.now());
    return { kind: 'unavailable', reason: 'target_unreachable', retryAfterMs };
  }

  #judge(pass: Pass, sent: { tried: Tried<unknown>; verdict: Verdict } | undefined): void {
    const { breaker, clock } = this.#options;
    const now = clock.now();
    const fault = sent && 'fault' in sent.tried ? sent.tried.fault : undefined;
    breaker.tell(pass, sent?.verdict ?? 'none', now, fault && 'reason' in fault ? fault.reason : null);
    // Counting does not help: every further call would hear the same.
    if (fault?.kind === 'contract') breaker.trip(now, fault.reason);
  }
}

type Tried<T> = { value: T } | { fault: TargetFault; again: boolean; cause?: unknown };
type Sent<T> = { tried: Tried<T>; code: string; verdict: Verdict };

/** What a store the target named says concerns neither our account nor our token; nothing was published. */
const faultOfStore = (fault: TargetFault): TargetFault =>
  fault.kind === 'unavailable' || fault.kind === 'invalid' ? fault : { kind: 'unavailable', reason: 'bad_response' };

/** Whether an answer speaks for the target or against it. A refusal that it words itself shows that it is well. */
const verdictOf = (fault: TargetFault): Verdict =>
  fault.kind === 'unavailable' || fault.kind === 'unknown' || fault.kind === 'contract' ? 'bad' : 'good';

const encode = (members: Readonly<Record<string, unknown>>): Uint8Array => Buffer.from(JSON.stringify(members));

/** Bytes that are no JSON are read by whoever asked for bytes. */
function jsonOf<T>(answer: TransportAnswer, { raw, bodyBytesMax }: Spoken<T>): unknown {
  if (raw || bodyBytesMax !== undefined || answer.body.byteLength === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.body));
  } catch (error) {
    throw new Misfit(`not JSON: ${asError(error).message.slice(0, 200)}`);
  }
}

/** Why there was no answer, or none that could be read, is what an operator needs to know. */
function errorOf(fault: TargetFault, route: string, cause: unknown): TargetError {
  const sentence = sentenceOf(fault, route);
  const told = fault.kind === 'unavailable' && (cause instanceof TransportError || cause instanceof Misfit);
  const message = told ? `${sentence} ${asError(cause).message}` : sentence;
  return new TargetError(fault, message, cause === undefined ? undefined : { cause });
}

/**
 * Bots act on the sandbox, and on a gallery for which somebody with `gallery:admin` answers. Everybody who is about to let
 * one act asks this first. `conflict` `target_not_acknowledged`.
 */
export function requireActing(row: Pick<TargetRow, 'id' | 'kind' | 'acknowledged'>): void {
  if (row.kind === 'sandbox' || row.acknowledged) return;
  throw conflict(
    'target_not_acknowledged',
    `Nobody has answered for the gallery ${row.id} yet: bots neither get accounts there nor act on it. Acknowledge it first (POST /v1/gallery/targets/${row.id}/acknowledge).`,
  );
}
