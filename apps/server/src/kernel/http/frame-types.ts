import type { z } from 'zod';
import type { Principal } from '#kernel/auth';
import { invalid, nearest } from '#kernel/base';
import { check, strictTop } from './problems.ts';

/* What may be said on the one socket. Rooms declare their words by `Http.frame` and `Http.subscription`. */

/** What an `ok` says beside `t` and `ref`. */
export type Fields = Readonly<Record<string, unknown>>;

/** An answer still to come; frames about the same thing need not wait for it. */
export class Later {
  readonly answer: Promise<Fields>;

  constructor(answer: Promise<Fields>) {
    this.answer = answer;
  }
}

/**
 * The frame is accepted in its order and answered when `answer` is there.
 *
 * @example
 * handle: ({ frame }) => later(log.append(…).then(({ next }) => ({ next })))
 */
export const later = (answer: Promise<Fields>): Later => new Later(answer);

export interface FrameCall<F> {
  readonly frame: F;
  /** The whole frame as it was sent, for parts that are kept as they came. */
  readonly bytes: Buffer;
  /** Whose credential the socket has now. */
  readonly who: Principal;
  /** Names the socket in logs. */
  readonly socketId: string;
}

/** Where one subscription writes. Nothing leaves before the frame that opened it was answered. */
export interface Subscription {
  readonly name: string;
  /** `t` and `sub` stand first. */
  send(t: string, fields: Fields): void;
  /** Whole frames, already framed, shared between sockets; returns the bytes that wait in the socket. An empty list asks. */
  write(framed: readonly Uint8Array[]): number;
  /** Bytes that have left the socket so far, whoever wrote them. */
  readonly left: number;
  /** Over by itself: the name is free again. What was sent before still leaves. */
  end(): void;
  /** Nothing more can reach this client in time: the socket ends with 1013. */
  tooSlow(): void;
}

/** A subscription that runs. */
export type Opened = {
  readonly ok: Fields;
  /** Called once, whatever ended it. */
  end(): void;
  /** The socket took what waited; it may go on. */
  drained?(): void;
  /** The socket has another credential now. Throws, or rejects, when the subscription is not its. */
  renewed?(who: Principal): void | Promise<void>;
};

type Word<S extends z.ZodType> = {
  /** Value of the field `t`. */
  t: string;
  /**
   * The field that names what the frame is about. Several rooms may use one word when these differ. Frames of one socket
   * about the same thing are taken in the order they came.
   */
  of: string;
  /** One line for the reference. */
  summary: string;
  /** Everything beside `t` and `ref`; unknown fields are refused. */
  fields: S;
};

export type FrameType<S extends z.ZodType = z.ZodType> = Word<S> & {
  /** What comes back is the `ok`; what is thrown is the `err`. Answers to one word leave in the order of their frames. */
  handle(call: FrameCall<z.output<S>>): Fields | Later | Promise<Fields | Later>;
};

export type SubscriptionType<S extends z.ZodType = z.ZodType> = Word<S> & {
  /** What the client will call it. */
  name(frame: z.output<S>): string;
  open(call: FrameCall<z.output<S>>, subscription: Subscription): Opened | Promise<Opened>;
};

type Known = { kind: 'frame'; type: FrameType } | { kind: 'subscription'; type: SubscriptionType };

/** Words the shell understands itself. */
const own = ['auth', 'ping', 'unsub'] as const;

/** Every declared word. */
export class FrameTable {
  readonly #byWord = new Map<string, Known[]>();

  get size(): number {
    return this.#byWord.size;
  }

  knows(t: string): boolean {
    return this.#byWord.has(t) || own.some((word) => word === t);
  }

  addFrame(type: FrameType): void {
    this.#add({ kind: 'frame', type: { ...type, fields: strictTop(type.fields) } });
  }

  addSubscription(type: SubscriptionType): void {
    this.#add({ kind: 'subscription', type: { ...type, fields: strictTop(type.fields) } });
  }

  #add(known: Known): void {
    const { t, of } = known.type;
    const here = this.#byWord.get(t) ?? [];
    if (own.some((word) => word === t) || here.some(({ type }) => type.of === of))
      throw new Error(`the frame ${t} of ${of} is declared twice`);
    this.#byWord.set(t, [...here, known]);
  }

  /** `invalid` `unknown_frame` with the nearest word, or naming the fields that could be meant. */
  find(t: string, fields: Fields): Known {
    const here = this.#byWord.get(t);
    if (!here) {
      const near = nearest(t, [...own, ...this.#byWord.keys()]);
      throw invalid(
        'unknown_frame',
        `There is no frame ${JSON.stringify(t.slice(0, 64))}.${near ? ` Did you mean ${near}?` : ''}`,
        near ? { extra: { nearest: near } } : {},
      );
    }
    const found = here.find(({ type }) => type.of in fields) ?? (here.length === 1 ? here[0] : undefined);
    if (found) return found;
    const names = here.map(({ type }) => type.of).join(' or ');
    throw invalid('unknown_frame', `A frame ${t} says what it is about: it needs ${names}.`);
  }
}

/** The fields by the word's schema; what is wrong comes as pointers, like that of a request. */
export function checkFields(schema: z.ZodType, fields: Fields): unknown {
  const result = schema.safeParse(fields);
  if (result.success) return result.data;
  try {
    return check(schema, fields, 'body');
  } catch (error) {
    if (!(error instanceof Error) || !('errors' in error)) throw error;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- thrown by `check` with these
    throw invalid('invalid_frame', error.message, { errors: error.errors as { pointer: string; detail: string }[] });
  }
}
