import type { StreamHead } from './head.ts';
import type { Message, View } from './log.ts';

/*
 * What a view leaves out. Every view passes over ranges whose bytes are gone, which is no gap: a later message tells them
 * whole. The compact one passes over superseded ranges from the moment they are said. A view with a filter of its own looks at
 * each message besides.
 */

/** The position from which on `view` has something to look at: `seq` when that is the next one, else the end of what it passes over. */
export function passOver(head: StreamHead, seq: number, view: View): number {
  if (head.superseded === undefined) return seq;
  let at = seq;
  for (let to = passedTo(head, at + 1, view); to !== undefined; to = passedTo(head, at + 1, view)) at = to;
  return at;
}

const passedTo = (head: StreamHead, seq: number, view: View): number | undefined =>
  head.superseded?.passedTo(seq, view === 'compact');

/** Whether the view has this message. */
export function shows(head: StreamHead, view: View, message: Message): boolean {
  if (head.superseded !== undefined && passedTo(head, message.seq, view) !== undefined) return false;
  return typeof view === 'string' || view.keep(message);
}

/** Whether every message of the stream is shown, so that none has to be looked at. */
export const showsAll = (head: StreamHead, view: View): boolean =>
  head.superseded === undefined && typeof view === 'string';
