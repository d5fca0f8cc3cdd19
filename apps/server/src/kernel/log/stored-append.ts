import type { Effect } from './commit.ts';
import type { StreamHead } from './head.ts';
import type { Appended, Offset } from './log.ts';
import { offsetOf } from './offset.ts';
import type { Publisher } from './publisher.ts';

/** Where a frame stands in the log; filled in when it is encoded. */
export type Placed = { lsn: number; bytes: number; batchNo: number };

type Answer = (value: Appended | Promise<Appended>) => void;
let captured: Answer;
/** One function for all promises, so that an append costs its promise and no closure. */
const capture = (resolve: Answer): void => {
  captured = resolve;
};

/** An append between encoding and sync; afterwards the very same object is its answer. */
export class StoredAppend implements Appended, Effect {
  readonly outcome = 'stored';
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly closed: boolean;
  readonly #publisher: Publisher;
  readonly #head: StreamHead;
  readonly #count: number;
  readonly #payloadBytes: number;
  readonly #era: number;
  readonly #producerEpoch: number;
  readonly #producerSeq: number;
  readonly #ms: number;
  readonly #answer: Answer;
  readonly #promise: Promise<Appended>;
  #lsn = 0;
  #bytes = 0;
  #batchNo = 0;

  constructor(
    publisher: Publisher,
    head: StreamHead,
    firstSeq: number,
    messages: readonly Uint8Array[],
    closed: boolean,
    producer: { epoch: number; seq: number } | undefined,
    ms: number,
  ) {
    let payloadBytes = 0;
    for (let i = 0; i < messages.length; i++) payloadBytes += (messages[i] as Uint8Array).length;
    this.firstSeq = firstSeq;
    this.lastSeq = firstSeq + messages.length - 1;
    this.closed = closed;
    this.#producerEpoch = producer === undefined ? -1 : producer.epoch;
    this.#producerSeq = producer === undefined ? -1 : producer.seq;
    this.#publisher = publisher;
    this.#head = head;
    this.#count = messages.length;
    this.#payloadBytes = payloadBytes;
    // A bare close stands where the last message does, perhaps one that a fork inherited.
    this.#era = messages.length === 0 ? head.assignedEra(this.lastSeq) : head.era;
    this.#ms = ms;
    this.#promise = new Promise(capture);
    this.#answer = captured;
  }

  get next(): Offset {
    return offsetOf(this.#era, this.lastSeq);
  }

  get producer(): { epoch: number; seq: number } | undefined {
    return this.#producerEpoch < 0 ? undefined : { epoch: this.#producerEpoch, seq: this.#producerSeq };
  }

  get answer(): Promise<Appended> {
    return this.#promise;
  }

  get lsn(): number {
    return this.#lsn;
  }
  set lsn(value: number) {
    this.#lsn = value;
  }

  get bytes(): number {
    return this.#bytes;
  }
  set bytes(value: number) {
    this.#bytes = value;
  }

  get batchNo(): number {
    return this.#batchNo;
  }
  set batchNo(value: number) {
    this.#batchNo = value;
  }

  committed(): void {
    this.#publisher.appended(this.#head, this.firstSeq, this.#count, this, this.#payloadBytes, this.#ms, this.closed);
    this.#answer(this);
  }

  failed(error: Error): void {
    this.#answer(Promise.reject(error));
  }
}

/** Every other act that is a frame: what it changes is given as a function. */
export class Simple implements Placed, Effect {
  lsn = 0;
  bytes = 0;
  batchNo = 0;
  readonly answer: Promise<void>;
  readonly #committed: (place: Placed) => void;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;

  constructor(committed: (place: Placed) => void) {
    this.#committed = committed;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  committed(): void {
    this.#committed(this);
    this.#resolve();
  }

  failed(error: Error): void {
    this.#reject(error);
  }
}
