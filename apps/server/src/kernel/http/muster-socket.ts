import type { Duplex } from 'node:stream';
import type { ErrorCode } from '@muster/protocol';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { type Auth, nameOf, type PersonPrincipal, type Principal, type RateBuckets } from '#kernel/auth';
import {
  asError,
  type Clock,
  exhausted,
  forbidden,
  type MusterError,
  type Random,
  unauthenticated,
  unavailable,
} from '#kernel/base';
import type { Logger } from '#kernel/telemetry';
import { jsonFrame } from './frame-bytes.ts';
import { type DeskHost, FrameDesk } from './frame-desk.ts';
import { checkFields, type Fields, type FrameTable } from './frame-types.ts';
import type { EdgeLimits } from './limits.ts';
import { HeldCredential, type Opening } from './muster-credential.ts';
import { SocketOutput, type WriteTurn } from './muster-output.ts';
import { asMusterError } from './problems.ts';
import { crossSite } from './same-origin.ts';
import { badRef, errFields, readFrame, type SentFrame } from './sent-frame.ts';

/** Why a socket ends, as clients see it. 1009 (frame too large) is said by `ws`. */
export const closeCodes = {
  silent: 1001,
  internal: 1011,
  restart: 1012,
  tooSlow: 1013,
  badFrame: 4400,
  credential: 4401,
  forbidden: 4403,
  limit: 4409,
} as const;

/** How a socket ends whose credential was not taken; else 4401. */
const codeOf: { readonly [code in ErrorCode]?: number } = {
  internal: closeCodes.internal,
  forbidden: closeCodes.forbidden,
  notFound: closeCodes.forbidden,
  unavailable: closeCodes.restart,
  exhausted: closeCodes.limit,
};

export type MusterSocketDeps = {
  auth: Auth;
  clock: Clock;
  random: Random;
  limits: EdgeLimits;
  logger: Logger;
  table: FrameTable;
  rates: RateBuckets;
  turn: WriteTurn;
  node: string;
  build: (() => string | undefined) | undefined;
  /** For the counters. */
  answered(t: string, outcome: string): void;
  known(socket: MusterSocket): void;
  closed(socket: MusterSocket, code: number): void;
};

const authFields = z.strictObject({ token: z.string().min(1).max(8192) });
/** A frame of somebody who has not said who it is. */
const strangerFrameBytesMax = 16 * 1024;

/*
 * One open socket of `muster.v1`.
 *
 *   opening   nobody is known yet; `auth` must come in time, cookies of ours on a page of somebody else do not count.
 *             Frames behind it wait until it is checked.
 *   ready     frames are taken; an `auth` brings another credential.
 *   draining  the client was told to come back elsewhere; what it asked before is answered, new frames are refused.
 *   closed    every subscription is over, nothing more is written. Never left.
 *
 * Not read from while too much waits to be written, or too much of what it sent waits for an answer.
 */
export class MusterSocket {
  readonly id: string;
  readonly #deps: MusterSocketDeps;
  readonly #ws: WebSocket;
  readonly #address: string;
  readonly #output: SocketOutput;
  readonly #desk: FrameDesk;
  readonly #openedAt: number;
  #state: 'opening' | 'ready' | 'draining' | 'closed' = 'opening';
  #credential: HeldCredential | undefined;
  /** Opened by a page of somebody else that brought cookies. */
  #foreign = false;
  /** A credential is being checked; what came behind it. */
  #checking = false;
  #held: SentFrame[] = [];
  #heardAt: number;
  #pingedAt: number;
  #refusedInARow = 0;
  readonly #pauses = new Set<'output' | 'load' | 'checking'>();

  constructor(id: string, ws: WebSocket, tcp: Duplex, address: string, deps: MusterSocketDeps) {
    const { limits, turn } = deps;
    this.id = id;
    this.#deps = deps;
    this.#ws = ws;
    this.#address = address;
    this.#openedAt = deps.clock.monotonic();
    this.#heardAt = this.#openedAt;
    this.#pingedAt = this.#openedAt;
    this.#output = new SocketOutput(tcp, {
      turn,
      windowBytes: limits.socketWindowBytes,
      waitingBytesMax: limits.socketWaitingBytesMax,
      full: () => this.#pause('output'),
      drained: () => {
        this.#resume('output');
        this.#desk.drained();
      },
    });
    this.#desk = new FrameDesk(deps.table, limits, this.#deskHost());
  }

  /** Bytes that wait for the client. */
  get waiting(): number {
    return this.#output.waiting;
  }

  get subscriptions(): number {
    return this.#desk.subscriptions;
  }

  open(opening: Opening): void {
    const ws = this.#ws;
    ws.on('message', (data, binary) => this.#take(data, binary));
    ws.on('ping', () => this.#heard());
    ws.on('pong', () => this.#heard());
    ws.on('close', (code) => this.#ended(code));
    this.#foreign = opening.kind === 'foreign';
    if (opening.kind === 'known') this.#welcome(opening, undefined);
    if (opening.kind === 'refused') this.#turnAway(opening.error, undefined);
  }

  #heard(): void {
    this.#heardAt = this.#deps.clock.monotonic();
  }

  #take(data: unknown, binary: boolean): void {
    this.#heard();
    if (this.#state === 'closed') return;
    if (binary || !Buffer.isBuffer(data)) return this.#broken('frames are JSON text');
    if (this.#state === 'opening' && data.length > strangerFrameBytesMax) return this.#broken('send auth first');
    const frame = readFrame(data);
    if (!frame) return this.#broken('a frame is a JSON object with a t of text');
    if (this.#checking) this.#held.push(frame);
    else this.#serve(frame);
  }

  #broken(why: string): void {
    this.close(closeCodes.badFrame, why);
  }

  #serve(frame: SentFrame): void {
    if (!this.#mayGoOn()) return;
    if (!this.#withinRate(frame)) return;
    if (frame.badRef) return this.#err(frame, badRef());
    if (frame.t === 'auth') return this.#authenticate(frame);
    if (this.#state === 'opening') return this.#strangerSpoke();
    if (this.#state === 'draining') return this.#err(frame, this.#drainingError());
    this.#desk.take(frame);
  }

  #strangerSpoke(): void {
    if (this.#foreign) this.#turnAwayForGood(crossSite());
    else this.close(closeCodes.credential, 'send auth first');
  }

  /** False when the credential has ended, which is then told. */
  #mayGoOn(): boolean {
    const { expiresAt } = this.#credential ?? {};
    if (expiresAt === undefined || this.#deps.clock.now() < expiresAt) return this.#state !== 'closed';
    this.#turnAway(unauthenticated('expired_credential', 'The credential of this socket has expired.'), undefined);
    return false;
  }

  #withinRate(frame: SentFrame): boolean {
    const { rates, limits } = this.#deps;
    const taken = rates.take(this.id);
    if (taken.ok) {
      this.#refusedInARow = 0;
      return true;
    }
    this.#refusedInARow += 1;
    if (this.#refusedInARow > limits.socketSendsBurst) this.close(closeCodes.limit, 'too many frames');
    else this.#err(frame, exhausted('rate', 'Too many frames on this socket.', { retryAfterMs: taken.resetMs }));
    return false;
  }

  #authenticate(frame: SentFrame): void {
    let token: string;
    try {
      ({ token } = authFields.parse(checkFields(authFields, frame.fields)));
    } catch (error) {
      return this.#turnAway(asError(error), frame);
    }
    this.#checking = true;
    this.#pause('checking');
    this.#deps.auth
      .authenticate(token, this.#address)
      .then(
        (who) => this.#welcome({ token, who }, frame),
        (error: unknown) => this.#turnAway(asError(error), frame),
      )
      .finally(() => {
        this.#checking = false;
        this.#resume('checking');
        this.#serveHeld();
      });
  }

  #serveHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const frame of held) {
      if (this.#checking) this.#held.push(frame);
      else if (this.#state !== 'closed') this.#serve(frame);
    }
  }

  #welcome(given: { token: string | undefined; who: Principal }, frame: SentFrame | undefined): void {
    if (this.#state === 'closed') return;
    const { who } = given;
    const before = this.#credential;
    if (before && before.who.projectId !== who.projectId) {
      const refusal = forbidden('other_project', 'The new credential is of another project; open another socket.');
      return this.#turnAway(refusal, frame);
    }
    const { auth, clock } = this.#deps;
    this.#credential = new HeldCredential(auth, clock, given, {
      ended: (why) => this.#turnAwayForGood(why),
      changed: (now) => this.#rightsChanged(now),
    });
    before?.[Symbol.dispose]();
    if (this.#state === 'opening') this.#state = 'ready';
    this.#deps.known(this);
    this.#send('ready', this.#readyFields(who, frame));
    if (frame) this.#deps.answered('auth', 'ok');
    if (before) void this.#desk.renewed();
  }

  /** Somebody's role is another one: what that may not see ends, and the page is told. */
  #rightsChanged({ role, scopes, installationAdmin }: PersonPrincipal): void {
    if (this.#state === 'closed') return;
    this.#send('rights', { role, scopes, installationAdmin });
    void this.#desk.renewed();
  }

  #readyFields(who: Principal, frame: SentFrame | undefined): Fields {
    const { limits, node } = this.#deps;
    const build = this.#deps.build?.();
    const expiresAt = this.#credential?.expiresAt;
    return {
      ...(frame?.ref === undefined ? {} : { ref: frame.ref }),
      conn: this.id,
      node,
      ...(build === undefined ? {} : { build }),
      project: who.projectId,
      who: nameOf(who),
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
      pingMs: limits.socketsPingMs,
      limits: {
        frameBytes: limits.socketFrameBytesMax,
        subscriptions: limits.socketSubscriptionsMax,
        sendsPerSecond: limits.socketSendsPerSecond,
        sendsBurst: limits.socketSendsBurst,
        framesOpen: limits.socketFramesOpenMax,
      },
    };
  }

  /** A wrong credential ends a socket that has no other. */
  #turnAway(error: Error, frame: SentFrame | undefined): void {
    if (this.#state === 'closed') return;
    if (frame && this.#credential) return this.#err(frame, error);
    this.#turnAwayForGood(error, frame);
  }

  #turnAwayForGood(thrown: Error, frame?: SentFrame): void {
    if (this.#state === 'closed') return;
    const error = asMusterError(thrown);
    if (frame) this.#err(frame, error);
    else this.#send('err', errFields(error));
    this.close(codeOf[error.code] ?? closeCodes.credential, error.reason);
  }

  #deskHost(): DeskHost {
    return {
      id: this.id,
      who: () => this.#who(),
      now: () => this.#deps.clock.now(),
      send: (t, fields) => this.#send(t, fields),
      write: (framed) => this.#write(framed),
      left: () => this.#output.left,
      ok: (frame, fields) => {
        this.#deps.answered(frame.t, 'ok');
        this.#send('ok', frame.ref === undefined ? fields : { ref: frame.ref, ...fields });
      },
      err: (frame, thrown) => this.#err(frame, thrown),
      tooSlow: () => this.close(closeCodes.tooSlow, 'too slow'),
      failed: (error) =>
        this.#deps.logger.error({ error, socket: this.id }, 'a subscription could not be ended cleanly'),
      loaded: (bytes) => {
        const { socketLoadBytesMax: max } = this.#deps.limits;
        if (bytes > max) this.#pause('load');
        else if (bytes <= max / 2) this.#resume('load');
      },
    };
  }

  #who(): Principal {
    if (!this.#credential) throw unavailable('socket_closed', 'The socket is closed.');
    return this.#credential.who;
  }

  #err(frame: SentFrame, thrown: unknown): void {
    const error = asMusterError(thrown);
    if (error.code === 'internal')
      this.#deps.logger.error(
        { error: error.cause ?? error, socket: this.id, t: frame.t },
        'frame failed by our fault',
      );
    this.#deps.answered(frame.t, error.code);
    const fields = errFields(error);
    this.#send('err', frame.ref === undefined ? fields : { ref: frame.ref, ...fields });
  }

  #send(t: string, fields: Fields): void {
    this.#write([jsonFrame({ t, ...fields })]);
  }

  #write(framed: readonly Uint8Array[]): number {
    // A socket that is closing, by whichever side, takes nothing more.
    if (this.#state === 'closed' || this.#ws.readyState !== this.#ws.OPEN) return 0;
    return framed.length === 0 ? this.#output.waiting : this.#output.write(framed);
  }

  #pause(why: 'output' | 'load' | 'checking'): void {
    if (this.#pauses.size === 0) this.#ws.pause();
    this.#pauses.add(why);
  }

  #resume(why: 'output' | 'load' | 'checking'): void {
    if (!this.#pauses.delete(why) || this.#pauses.size > 0) return;
    // Silence while nobody listened means nothing.
    this.#heard();
    this.#ws.resume();
  }

  /** Everything that time decides. Called about once a second. */
  look(): void {
    const { auth, clock, limits } = this.#deps;
    const nowMs = clock.monotonic();
    if (this.#state === 'closed') return;
    if (this.#output.stuckMs(nowMs) >= limits.socketStuckMs) return this.close(closeCodes.tooSlow, 'too slow');
    if (this.#state === 'opening') {
      if (!this.#checking && nowMs - this.#openedAt >= limits.socketAuthMs) this.#turnAwayForGood(this.#nobodyCame());
      return;
    }
    if (!this.#mayGoOn()) return;
    this.#lookAtExpiry();
    if (this.#pauses.size === 0 && nowMs - this.#heardAt >= limits.socketSilenceMs)
      return this.close(closeCodes.silent, 'nothing was heard');
    if (nowMs - this.#pingedAt >= limits.socketsPingMs) {
      this.#pingedAt = nowMs;
      this.#ws.ping();
    }
    const credential = this.#credential;
    if (credential?.isDue(nowMs) === true)
      void credential.askAgain(auth, nowMs, this.#address).then((error) => {
        if (error && credential === this.#credential && asMusterError(error).code === 'unauthenticated')
          this.#turnAwayForGood(error);
      });
  }

  #nobodyCame(): MusterError {
    if (this.#foreign) return crossSite();
    return unauthenticated('no_credential', `No auth frame came within ${this.#deps.limits.socketAuthMs} ms.`);
  }

  #lookAtExpiry(): void {
    const credential = this.#credential;
    if (credential?.expiresAt === undefined || credential.warned) return;
    const inMs = credential.expiresAt - this.#deps.clock.now();
    if (inMs > this.#deps.limits.socketExpiryWarnMs) return;
    credential.warned = true;
    this.#send('tokenExpiring', { inMs: Math.max(0, inMs) });
  }

  #drainingError(): Error {
    return unavailable('draining', 'This server is stopping; connect again with the cursors you kept.', {
      retryAfterMs: this.#spread(),
    });
  }

  /** Clients of a server that stops should not all come back at once. */
  #spread(): number {
    return Math.round(this.#deps.random() * this.#deps.limits.socketRetrySpreadMs);
  }

  drain(): void {
    if (this.#state === 'opening') return this.close(closeCodes.restart, 'server is stopping');
    if (this.#state !== 'ready') return;
    const { clock, limits } = this.#deps;
    this.#state = 'draining';
    this.#send('draining', { retryAfterMs: this.#spread(), closeInMs: limits.socketDrainMs });
    clock.after(limits.socketDrainMs, () => this.close(closeCodes.restart, 'server is stopping'));
  }

  close(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.#over();
    this.#output.finish(code === closeCodes.tooSlow ? 'drop' : 'send');
    this.#ws.resume();
    this.#ws.close(code, reason);
    this.#deps.clock.after(this.#deps.limits.socketCloseMs, () => this.#ws.terminate());
  }

  /** The connection is gone, by whichever side. */
  #ended(code: number): void {
    if (this.#state !== 'closed') {
      this.#over();
      this.#output.finish('drop');
    }
    this.#deps.closed(this, code);
  }

  #over(): void {
    this.#desk.end();
    this.#state = 'closed';
    this.#held = [];
    this.#credential?.[Symbol.dispose]();
  }
}
