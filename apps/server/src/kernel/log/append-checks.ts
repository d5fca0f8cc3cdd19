import { conflict, exhausted, forbidden, invalid, type MusterError } from '#kernel/base';
import { mediaTypeOf, type StreamHead } from './head.ts';
import type { LogLimits } from './limits.ts';
import type { Append } from './log.ts';
import type { ProducerState } from './producers.ts';

/**
 * What an append meets: nothing in its way, a repeat of what is stored, a bare close of a closed stream, or a producer
 * whose state must be read from its row first.
 */
export type Verdict = 'go' | 'duplicate' | 'closed-already' | 'load-producer' | MusterError;

/** Everything that can be said without the stream. */
export function checkShape(input: Append, limits: LogLimits): MusterError | undefined {
  const { messages, producer } = input;
  if (messages.length === 0 && input.close !== true && input.refusal === undefined) {
    return invalid('body_empty', 'An append without messages is only allowed when it closes the stream.');
  }
  if (messages.length > limits.appendMessagesMax) {
    return invalid(
      'body_too_large',
      `An append holds at most ${limits.appendMessagesMax} messages; this one has ${messages.length}.`,
      { status: 413 },
    );
  }
  let bytes = 0;
  for (let i = 0; i < messages.length; i++) bytes += (messages[i] as Uint8Array).length;
  if (bytes > limits.appendBytesMax) {
    return invalid('body_too_large', `An append holds at most ${limits.appendBytesMax} bytes; this one has ${bytes}.`, {
      status: 413,
    });
  }
  if (producer !== undefined && !(isCount(producer.epoch) && isCount(producer.seq))) return malformedProducer();
  if (input.writerSeq !== undefined && !isName(input.writerSeq, limits.nameBytesMax)) {
    return invalid('writer_seq_malformed', `The writer's seq is 1 to ${limits.nameBytesMax} bytes of text.`);
  }
  return undefined;
}

const malformedProducer = (): MusterError =>
  invalid(
    'producer_headers',
    'A producer needs an id, an epoch and a seq; the id is some text, epoch and seq are whole numbers from 0.',
  );

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** Text that a column can hold: not empty, no NUL, no half characters. */
export const isName = (text: string, bytesMax: number): boolean =>
  text.length > 0 &&
  text.length <= bytesMax &&
  !text.includes('\0') &&
  text.isWellFormed() &&
  Buffer.byteLength(text) <= bytesMax;

/**
 * The checks of the public protocol in its order (streams §3, rows 5 to 11), against the assigned state. `state` is what
 * memory knows of the append's producer.
 */
export function checkAppend(
  head: StreamHead,
  input: Append,
  state: ProducerState | undefined,
  limits: LogLimits,
): Verdict {
  const { producer } = input;
  if (producer !== undefined) {
    // A malformed id is never known, so the known ones need no look.
    if (state === undefined && !isName(producer.id, limits.nameBytesMax)) return malformedProducer();
    if (state === undefined && head.producers?.mayHaveRow(producer.id)) return 'load-producer';
    if (state !== undefined && producer.epoch < state.epoch) {
      return forbidden('producer_fenced', 'A newer epoch of this producer has appended since.', {
        extra: { producerEpoch: state.epoch },
      });
    }
    if (state !== undefined && producer.epoch === state.epoch && producer.seq <= state.seq) return 'duplicate';
  }
  if (head.closing) {
    if (input.messages.length === 0 && producer === undefined && input.refusal === undefined) return 'closed-already';
    return conflict('stream_closed', 'The stream is closed; nothing can be appended any more.', {
      extra: { closed: true, next: head.assignedOffset(head.lastSeq) },
    });
  }
  if ((input.messages.length > 0 || input.refusal !== undefined) && differs(head, input.contentType)) {
    return conflict('content_type_differs', `The stream holds ${head.contentType}, not ${String(input.contentType)}.`);
  }
  if (input.refusal !== undefined) return input.refusal;
  if (producer !== undefined) {
    const refused = checkProducer(head, producer, state, limits);
    if (refused) return refused;
  }
  if (input.writerSeq !== undefined && head.writerSeq !== undefined && !isAfter(input.writerSeq, head.writerSeq)) {
    return conflict('writer_seq', "The writer's seq is not greater than the last one stored.", {
      extra: { last: head.writerSeq },
    });
  }
  if (input.expectedTail !== undefined && input.expectedTail !== head.lastSeq) {
    return conflict('tail_moved', `The stream's last position is ${head.lastSeq}, not ${input.expectedTail}.`, {
      extra: { next: head.assignedOffset(head.lastSeq), tail: head.lastSeq },
    });
  }
  return 'go';
}

function checkProducer(
  head: StreamHead,
  producer: { id: string; epoch: number; seq: number },
  state: ProducerState | undefined,
  limits: LogLimits,
): MusterError | undefined {
  if (state === undefined) {
    if ((head.producers?.known ?? 0) >= limits.producersMax) {
      return exhausted('producers_max', `A stream has at most ${limits.producersMax} producers.`);
    }
    return producer.seq === 0 ? undefined : gapOf(0, producer.seq);
  }
  if (producer.epoch > state.epoch) {
    return producer.seq === 0
      ? undefined
      : invalid('producer_epoch_start', 'A new epoch of a producer starts with seq 0.');
  }
  return producer.seq === state.seq + 1 ? undefined : gapOf(state.seq + 1, producer.seq);
}

const gapOf = (expectedSeq: number, receivedSeq: number): MusterError =>
  conflict('producer_gap', `The producer's next seq is ${expectedSeq}, not ${receivedSeq}.`, {
    extra: { expectedSeq, receivedSeq },
  });

const differs = (head: StreamHead, contentType: string | undefined): boolean =>
  contentType !== undefined && contentType !== head.contentType && mediaTypeOf(contentType) !== head.mediaType;

const isAfter = (text: string, last: string): boolean => Buffer.compare(Buffer.from(text), Buffer.from(last)) > 0;
