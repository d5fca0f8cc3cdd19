import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, exhausted, invalid, type MusterError } from '#kernel/base';
import { stalled, tooLarge } from './body.ts';
import type { EdgeLimits } from './limits.ts';

const incoming: unique symbol = Symbol('the body being read');
type Tagged = IncomingMessage & { [incoming]?: Incoming | undefined };

const empty = Buffer.alloc(0);

/**
 * Reads bodies into one buffer each, with one pair of listeners for all requests. What is held for bodies that are not
 * whole yet is bounded over all of them; senders that are too slow are found by one timer.
 */
export class RawBodies {
  readonly limits: EdgeLimits;
  readonly open = new Set<Incoming>();
  /** Bytes of bodies that are not whole yet. */
  held = 0;
  readonly #clock: Clock;
  #looking: Disposable | undefined;

  constructor(clock: Clock, limits: EdgeLimits) {
    this.#clock = clock;
    this.limits = limits;
  }

  read(
    request: IncomingMessage,
    response: ServerResponse,
    patient: boolean,
    bytesMax: number,
  ): Buffer | Promise<Buffer> {
    const { headers } = request;
    const declared = headers['content-length'];
    if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') throw packed();
    if (declared === undefined ? headers['transfer-encoding'] === undefined : declared === '0') return empty;
    if (declared !== undefined && Number(declared) > bytesMax) throw tooLarge(bytesMax);
    if (request.destroyed) throw clientGone();
    if (patient) response.writeContinue();
    return this.#arriving(request, declared === undefined ? -1 : Number(declared), bytesMax);
  }

  async #arriving(request: IncomingMessage, declared: number, bytesMax: number): Promise<Buffer> {
    // A small body comes in one packet with its head, and behind the present turn of the parser it lies ready.
    await Promise.resolve();
    if (request.readableLength === declared) {
      const whole: unknown = request.read();
      if (whole instanceof Buffer) return whole;
    }
    if (request.destroyed) throw clientGone();
    const body = new Incoming(this, request, bytesMax);
    this.#looking ??= this.#clock.after(this.limits.jsonStallMs, this.#look);
    return body.done;
  }

  /** The connection ended. */
  cut(request: IncomingMessage): void {
    (request as Tagged)[incoming]?.refuse(clientGone());
  }

  readonly #look = (): void => {
    for (const body of this.open) body.look();
    this.#looking = this.open.size > 0 ? this.#clock.after(this.limits.jsonStallMs, this.#look) : undefined;
  };

  [Symbol.dispose](): void {
    this.#looking?.[Symbol.dispose]();
  }
}

/** A body on its way in. */
class Incoming {
  readonly done: Promise<Buffer>;
  readonly #bodies: RawBodies;
  readonly #request: Tagged;
  readonly #bytesMax: number;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: Error) => void;
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #bytes = 0;
  /** Bytes since the sender was last looked at; `undefined` before the first look. */
  #lately: number | undefined;

  constructor(bodies: RawBodies, request: Tagged, bytesMax: number) {
    this.#bodies = bodies;
    this.#request = request;
    this.#bytesMax = bytesMax;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    request[incoming] = this;
    bodies.open.add(this);
    request.on('data', onData);
    request.on('end', onEnd);
  }

  take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#bodies.held += chunk.length;
    if (this.#lately !== undefined) this.#lately += chunk.length;
    if (this.#bytes > this.#bytesMax) return this.refuse(tooLarge(this.#bytesMax));
    if (this.#first === undefined) {
      this.#first = chunk;
      return;
    }
    if (this.#bodies.held > this.#bodies.limits.rawBodiesBytesMax) return this.refuse(tooMany());
    this.#more ??= [];
    this.#more.push(chunk);
  }

  ended(): void {
    this.#forget();
    if (!this.#request.complete) this.#reject(clientGone());
    else if (this.#first === undefined) this.#resolve(empty);
    else
      this.#resolve(this.#more === undefined ? this.#first : Buffer.concat([this.#first, ...this.#more], this.#bytes));
  }

  refuse(error: MusterError): void {
    this.#forget();
    this.#request.off('data', onData).off('end', onEnd).pause();
    this.#reject(error);
  }

  look(): void {
    const { limits } = this.#bodies;
    const least = (limits.bodyBytesPerSecondMin * limits.jsonStallMs) / 1000;
    if (this.#lately !== undefined && this.#lately < least) this.refuse(stalled('json', limits));
    else this.#lately = 0;
  }

  #forget(): void {
    this.#bodies.open.delete(this);
    this.#bodies.held -= this.#bytes;
    this.#request[incoming] = undefined;
  }
}

function onData(this: Tagged, chunk: Buffer): void {
  this[incoming]?.take(chunk);
}

function onEnd(this: Tagged): void {
  this[incoming]?.ended();
}

const clientGone = (): MusterError => invalid('client_gone', 'The connection ended before the body was complete.');
const tooMany = (): MusterError =>
  exhausted('too_many_bodies', 'This node already reads as many large bodies as it may.', { retryAfterMs: 1000 });
const packed = (): MusterError =>
  invalid('wrong_content_encoding', 'Bodies are stored as they are; send this one without Content-Encoding.', {
    status: 415,
  });
