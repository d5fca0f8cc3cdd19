import { z } from 'zod';
import type { Principal } from '#kernel/auth';
import { conflict, exhausted, invalid, notFound } from '#kernel/base';
import {
  checkFields,
  type Fields,
  type FrameTable,
  type FrameType,
  Later,
  type SubscriptionType,
} from './frame-types.ts';
import type { EdgeLimits } from './limits.ts';
import { InOrder, Lanes } from './muster-order.ts';
import { OpenSubscription, type SubscriptionHost } from './muster-subscription.ts';
import type { SentFrame } from './sent-frame.ts';

/** What the desk needs of its socket. */
export type DeskHost = Pick<SubscriptionHost, 'write' | 'left' | 'tooSlow' | 'failed'> & {
  readonly id: string;
  who(): Principal;
  now(): number;
  send(t: string, fields: Fields): void;
  ok(frame: SentFrame, fields: Fields): void;
  err(frame: SentFrame, thrown: unknown): void;
  /** The bytes of frames not answered yet have changed. */
  loaded(bytes: number): void;
};

const pingFields = z.strictObject({ at: z.number().optional() });
const unsubFields = z.strictObject({ sub: z.string() });

/**
 * Takes the frames of one socket: finds who understands them, keeps the order of those about one thing, sends what
 * comes back, and knows what the client is subscribed to.
 */
export class FrameDesk {
  readonly #table: FrameTable;
  readonly #limits: EdgeLimits;
  readonly #host: DeskHost;
  readonly #lanes = new Lanes();
  readonly #orders = new Map<FrameType, InOrder>();
  readonly #subscriptions = new Map<string, OpenSubscription>();
  readonly #subscriptionHost: SubscriptionHost;
  #open = 0;
  #openBytes = 0;
  /** Of subscriptions that are opening: written, but not sent before their answer. */
  #heldBytes = 0;

  constructor(table: FrameTable, limits: EdgeLimits, host: DeskHost) {
    this.#table = table;
    this.#limits = limits;
    this.#host = host;
    this.#subscriptionHost = {
      send: ({ t, ...fields }) => host.send(String(t), fields),
      write: (framed) => host.write(framed) + this.#heldBytes,
      held: (bytes) => {
        this.#heldBytes += bytes;
      },
      left: () => host.left(),
      tooSlow: () => host.tooSlow(),
      failed: (error) => host.failed(error),
      gone: (subscription) => {
        if (this.#subscriptions.get(subscription.name) === subscription) this.#subscriptions.delete(subscription.name);
      },
    };
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  take(frame: SentFrame): void {
    const { socketFramesOpenMax: max } = this.#limits;
    if (this.#open >= max) {
      const refusal = exhausted('frames_open_max', `${max} frames of this socket wait for their answers.`, {
        retryAfterMs: 100,
      });
      return this.#host.err(frame, refusal);
    }
    this.#open += 1;
    this.#load(frame.bytes.length);
    try {
      this.#dispatch(frame);
    } catch (error) {
      this.#err(frame, error);
    }
  }

  #dispatch(frame: SentFrame): void {
    if (frame.t === 'ping') return this.#ping(frame);
    if (frame.t === 'unsub') return this.#unsubscribe(frame);
    const { kind, type } = this.#table.find(frame.t, frame.fields);
    const input = checkFields(type.fields, frame.fields);
    const lane = `${type.of}:${String(frame.fields[type.of])}`;
    if (kind === 'frame') this.#handle(type, frame, input, lane);
    else this.#subscribe(type, frame, input, lane);
  }

  #ping(frame: SentFrame): void {
    const { at } = pingFields.parse(checkFields(pingFields, frame.fields));
    this.#close(frame);
    this.#host.send('pong', {
      ...(frame.ref === undefined ? {} : { ref: frame.ref }),
      ...(at === undefined ? {} : { at }),
      serverAt: this.#host.now(),
    });
  }

  #handle(type: FrameType, frame: SentFrame, input: unknown, lane: string): void {
    const place = this.#orderOf(type).take();
    const ok = (fields: Fields): void => place(() => this.#ok(frame, fields));
    const err = (thrown: unknown): void => place(() => this.#err(frame, thrown));
    const settle = (result: Fields | Later): void => {
      if (result instanceof Later) void result.answer.then(ok, err);
      else ok(result);
    };
    this.#lanes.run(lane, () => {
      try {
        const result = type.handle(this.#callOf(frame, input));
        if (result instanceof Promise) return result.then(settle).catch(err);
        settle(result);
      } catch (error) {
        err(error);
      }
      return undefined;
    });
  }

  #orderOf(type: FrameType): InOrder {
    const known = this.#orders.get(type);
    if (known) return known;
    const order = new InOrder();
    this.#orders.set(type, order);
    return order;
  }

  /** The name is taken as soon as the frame is here, so that the client may go on speaking of it at once. */
  #subscribe(type: SubscriptionType, frame: SentFrame, input: unknown, lane: string): void {
    const name = type.name(input);
    this.#checkName(name);
    const subscription = new OpenSubscription(name, lane, this.#subscriptionHost);
    this.#subscriptions.set(name, subscription);
    this.#lanes.run(lane, async () => {
      const call = this.#callOf(frame, input);
      try {
        const opened = await type.open(call, subscription);
        subscription.open(opened, () => this.#ok(frame, { sub: name, ...opened.ok }));
      } catch (error) {
        subscription.refused();
        return this.#err(frame, error);
      }
      if (this.#host.who() !== call.who) await this.#renew(subscription);
    });
  }

  #checkName(name: string): void {
    const { socketSubscriptionsMax: max, socketNameBytesMax } = this.#limits;
    if (name === '' || Buffer.byteLength(name) > socketNameBytesMax)
      throw invalid('invalid_frame', `A subscription's name is 1 to ${socketNameBytesMax} bytes of text.`);
    if (this.#subscriptions.has(name))
      throw conflict('sub_taken', 'This socket has a subscription of that name already.', { extra: { sub: name } });
    if (this.#subscriptions.size >= max)
      throw exhausted('subscriptions_max', `A socket has at most ${max} subscriptions.`, { extra: { max } });
  }

  /** Nothing of it is sent from here on; the answer comes behind that of the `sub`. */
  #unsubscribe(frame: SentFrame): void {
    const { sub } = unsubFields.parse(checkFields(unsubFields, frame.fields));
    const subscription = this.#subscriptions.get(sub);
    if (!subscription)
      throw notFound('sub_unknown', 'This socket has no subscription of that name.', { extra: { sub } });
    subscription.refused();
    this.#lanes.run(subscription.lane, () => this.#ok(frame, { sub }));
  }

  #callOf(frame: SentFrame, input: unknown) {
    return { frame: input, bytes: frame.bytes, who: this.#host.who(), socketId: this.#host.id };
  }

  #ok(frame: SentFrame, fields: Fields): void {
    this.#close(frame);
    this.#host.ok(frame, fields);
  }

  #err(frame: SentFrame, thrown: unknown): void {
    this.#close(frame);
    this.#host.err(frame, thrown);
  }

  #close(frame: SentFrame): void {
    this.#open -= 1;
    this.#load(-frame.bytes.length);
  }

  #load(bytes: number): void {
    this.#openBytes += bytes;
    this.#host.loaded(this.#openBytes);
  }

  /** The socket has another credential: what that may not see ends. */
  async renewed(): Promise<void> {
    await Promise.all(Array.from(this.#subscriptions.values(), (subscription) => this.#renew(subscription)));
  }

  async #renew(subscription: OpenSubscription): Promise<void> {
    try {
      await subscription.renewed(this.#host.who());
    } catch (error) {
      const reason = error instanceof Error && 'reason' in error ? error.reason : 'internal';
      subscription.send('gone', { reason });
      subscription.end();
    }
  }

  /** There is room again. Whoever may go on now goes last the next time, so that one long history does not starve the rest. */
  drained(): void {
    for (const [name, subscription] of Array.from(this.#subscriptions)) {
      if (this.#host.write([]) > this.#limits.socketWaitingBytesMax) return;
      this.#subscriptions.delete(name);
      this.#subscriptions.set(name, subscription);
      subscription.drained();
    }
  }

  end(): void {
    for (const subscription of Array.from(this.#subscriptions.values())) subscription.refused();
  }
}
