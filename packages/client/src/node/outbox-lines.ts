/* The lines of an outbox file, and what they come to one after the other. */
import { MusterError } from '@muster/protocol/errors';
import type { Entry, Kept, Sending } from '../streams/outbox.ts';

type First = { outbox: 1; name: string; epoch?: number; contentType?: string; mark?: string };
/** A message as text, or as base64 when it is bytes; with a third part when it has a mark. */
type Written = [kind: 't' | 'b', content: string, mark?: string];
type Line =
  | First
  | { add: Written[]; type: string }
  | { send: [epoch: number, seq: number, count: number] }
  | { done: number };

/** What an outbox holds now; a file is the changes to it, one a line. */
export class Holding {
  readonly name: string;
  readonly entries: Entry[] = [];
  sending: Sending | undefined;
  epoch: number | undefined;
  contentType: string | undefined;
  mark: string | undefined;

  constructor({ name, epoch, contentType, mark }: Omit<First, 'outbox'>) {
    this.name = name;
    this.epoch = epoch;
    this.contentType = contentType;
    this.mark = mark;
  }

  add(entries: readonly Entry[]): void {
    this.entries.push(...entries);
    this.contentType = entries.at(-1)?.contentType ?? this.contentType;
    this.mark = entries.findLast(({ mark }) => mark !== undefined)?.mark ?? this.mark;
  }

  send(sending: Sending): void {
    this.sending = sending;
    this.epoch = Math.max(sending.epoch, this.epoch ?? 0);
  }

  done(count: number): void {
    this.sending = undefined;
    this.entries.splice(0, count);
  }

  kept(): Kept {
    const { entries, sending, epoch, contentType, mark } = this;
    return { entries: [...entries], sending, epoch, contentType, mark };
  }

  /** A whole file that says what is held. */
  lines(): string {
    const { name, epoch, contentType, mark, entries, sending } = this;
    const first = lineOf({
      outbox: 1,
      name,
      ...(epoch === undefined ? {} : { epoch }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(mark === undefined ? {} : { mark }),
    });
    return first + (entries.length > 0 ? addLine(entries) : '') + (sending ? sendLine(sending) : '');
  }
}

const lineOf = (line: Line): string => `${JSON.stringify(line)}\n`;
export const addLine = (entries: readonly Entry[]): string =>
  lineOf({ add: entries.map(writtenOf), type: entries[0]?.contentType ?? '' });
export const sendLine = ({ epoch, seq, count }: Sending): string => lineOf({ send: [epoch, seq, count] });
export const doneLine = (count: number): string => lineOf({ done: count });

function writtenOf({ message, mark }: Entry): Written {
  const [kind, content] = typeof message === 'string' ? (['t', message] as const) : (['b', base64(message)] as const);
  return mark === undefined ? [kind, content] : [kind, content, mark];
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** What a file holds; `undefined` for an empty one. `invalid` `outbox_malformed` for a file that is none. */
export function replay(text: string): Holding | undefined {
  const lines = text.split('\n');
  // What stands behind the last line end was never finished.
  lines.pop();
  let held: Holding | undefined;
  for (const text of lines) {
    const line = parse(text);
    // Lines that were synced are whole. Behind one that is not, nothing was promised to anybody.
    if (held && !line) break;
    if (!held && !(line && 'outbox' in line)) {
      throw new MusterError('invalid', { reason: 'outbox_malformed', detail: 'This file is no outbox.' });
    }
    if (!line) break;
    if ('outbox' in line) held = new Holding(line);
    else if (held) apply(held, line);
  }
  return held;
}

function apply(held: Holding, line: Exclude<Line, First>): void {
  if ('done' in line) return held.done(line.done);
  if ('send' in line) {
    const [epoch, seq, count] = line.send;
    return held.send({ epoch, seq, count });
  }
  let id = held.entries.at(-1)?.id ?? 0;
  held.add(
    line.add.map(([kind, content, mark]) => {
      id += 1;
      const message = kind === 't' ? content : new Uint8Array(Buffer.from(content, 'base64'));
      return { id, message, contentType: line.type, mark };
    }),
  );
}

function parse(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}
