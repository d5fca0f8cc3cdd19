import { isUtf8 } from 'node:buffer';
import type { StreamHead } from './head.ts';
import type { Offset, Sink } from './log.ts';

/** What one write to followers says: some appends, and where a reader stands behind them. */
export type Delivery = {
  readonly head: StreamHead;
  readonly phase: 'replay' | 'live';
  /** Position before the first message. */
  readonly from: Offset;
  readonly next: Offset;
  readonly upToDate: boolean;
  readonly closed: boolean;
  readonly messages: readonly Uint8Array[];
  readonly nowMs: number;
};

/** Bytes that every follower of a form gets alike. */
export type Form = (delivery: Delivery) => readonly Uint8Array[];

const isJson = (head: StreamHead): boolean => head.mediaType === 'application/json';
const isText = (head: StreamHead): boolean => head.mediaType.startsWith('text/');

/** Intervals of 20 s since 2024-10-09T00:00:00Z. */
const cursorEpochMs = Date.UTC(2024, 9, 9);
const cursorStepMs = 20_000;

const dataStart = Buffer.from('event: data\ndata:');
const eventEnd = Buffer.from('\n\n');
const comma = Buffer.from(',');

/** Server-sent events of the public protocol: one `data` event, then exactly one `control` event, in one buffer. */
const sse: Form = (delivery) => {
  const parts: Uint8Array[] = [];
  if (delivery.messages.length > 0) parts.push(dataStart, ...sseData(delivery), eventEnd);
  const control = {
    streamNextOffset: delivery.next,
    ...(delivery.closed
      ? { streamClosed: true }
      : { streamCursor: String(Math.floor((delivery.nowMs - cursorEpochMs) / cursorStepMs)) }),
    ...(delivery.upToDate ? { upToDate: true } : {}),
  };
  // The id comes last: readers of the protocol look for the data right behind the event's name.
  parts.push(Buffer.from(`event: control\ndata:${JSON.stringify(control)}\nid: ${delivery.next}\n\n`));
  return [Buffer.concat(parts)];
};

function sseData({ head, messages }: Delivery): Uint8Array[] {
  if (isJson(head)) return lines(Buffer.concat([Buffer.from('['), ...joined(messages), Buffer.from(']')]));
  if (isText(head)) return lines(toUtf8(Buffer.concat(messages)));
  return [Buffer.from(Buffer.concat(messages).toString('base64'))];
}

function* joined(messages: readonly Uint8Array[]): Iterable<Uint8Array> {
  for (const [i, message] of messages.entries()) {
    if (i > 0) yield comma;
    yield message;
  }
}

/** Bytes that are not UTF-8 become U+FFFD, in this form only. */
function toUtf8(bytes: Buffer): Buffer {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? Buffer.from(text) : bytes;
}

/** Each line end starts a new `data:` line, so nothing in a payload can pose as a field; a leading space is doubled, because parsers strip one. */
function lines(bytes: Buffer): Uint8Array[] {
  if (!bytes.includes(10) && !bytes.includes(13) && bytes[0] !== 32) return [bytes];
  const text = bytes.toString('utf8').split(/\r\n|\r|\n/);
  return [Buffer.from(text.map((line) => (line.startsWith(' ') ? ` ${line}` : line)).join('\ndata:'))];
}

/** Text frames of the `muster.v1` socket, already framed: final, unmasked, not deflated. */
const socket: Form = (delivery) => {
  const sub = JSON.stringify(delivery.head.key.path);
  const parts: Buffer[] = [];
  if (delivery.messages.length > 0) {
    const start = `{"t":"batch","sub":${sub},"phase":"${delivery.phase}","from":"${delivery.from}","to":"${delivery.next}",`;
    parts.push(socketFrame([Buffer.from(start), ...socketBody(delivery), Buffer.from('}')]));
  }
  if (delivery.closed) parts.push(socketFrame([Buffer.from(`{"t":"closed","sub":${sub},"to":"${delivery.next}"}`)]));
  else if (delivery.upToDate && delivery.phase === 'replay') {
    parts.push(socketFrame([Buffer.from(`{"t":"live","sub":${sub},"to":"${delivery.next}"}`)]));
  }
  return parts.length === 0 ? [] : [Buffer.concat(parts)];
};

function socketBody({ head, messages }: Delivery): Uint8Array[] {
  if (isJson(head)) return [Buffer.from('"records":['), ...joined(messages), Buffer.from(']')];
  const bytes = Buffer.concat(messages);
  if (isUtf8(bytes)) return [Buffer.from(`"text":${JSON.stringify(bytes.toString('utf8'))}`)];
  return [Buffer.from(`"base64":"${bytes.toString('base64')}"`)];
}

/** RFC 6455 §5.2, server to client: FIN and text opcode, length in 7, 16 or 64 bits, no mask. */
export function socketFrame(parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = length < 126 ? Buffer.from([0x81, length]) : Buffer.alloc(length < 65_536 ? 4 : 10);
  if (length >= 126) {
    head[0] = 0x81;
    if (length < 65_536) {
      head[1] = 126;
      head.writeUInt16BE(length, 2);
    } else {
      head[1] = 127;
      head.writeBigUInt64BE(BigInt(length), 2);
    }
  }
  return Buffer.concat([head, ...parts]);
}

/** One buffer per message, exactly as appended. */
const raw: Form = (delivery) => delivery.messages;

export const forms: Record<Sink['form'], Form> = { sse, socket, raw };
