import { frameHead } from '#kernel/http';

/*
 * A follower that chose a name of its own gets the bytes all others get, with the name exchanged: the start of each frame is
 * written anew, the rest, which is nearly all, is shared. Framing as in RFC 6455 §5.2.
 */

const wordStart = Buffer.from('{"t":"');
const quote = 0x22;

/** Makes frames that say `"sub":<name>` of shared ones that say `"sub":<path>`. */
export function renamer(path: string, name: string): (shared: readonly Uint8Array[]) => readonly Uint8Array[] {
  const was = Buffer.from(`,"sub":${JSON.stringify(path)}`);
  const now = Buffer.from(`,"sub":${JSON.stringify(name)}`);
  return (shared) => {
    const frames = together(shared);
    const parts: Uint8Array[] = [];
    for (let at = 0; at < frames.length; ) {
      const { start, end } = payloadAt(frames, at);
      const word = frames.indexOf(quote, start + wordStart.length) + 1;
      const rest = word + was.length;
      if (frames.compare(was, 0, was.length, word, rest) !== 0)
        throw new Error('invariant broken: a shared frame does not begin with its word and its stream');
      const length = end - start - was.length + now.length;
      parts.push(Buffer.concat([frameHead(length), frames.subarray(start, word), now]), frames.subarray(rest, end));
      at = end;
    }
    return parts;
  };
}

function together(shared: readonly Uint8Array[]): Buffer {
  const [only] = shared;
  if (only === undefined || shared.length > 1) return Buffer.concat(shared);
  return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
}

function payloadAt(frames: Buffer, at: number): { start: number; end: number } {
  const short = frames.readUInt8(at + 1);
  if (short < 126) return { start: at + 2, end: at + 2 + short };
  if (short === 126) return { start: at + 4, end: at + 4 + frames.readUInt16BE(at + 2) };
  return { start: at + 10, end: at + 10 + Number(frames.readBigUInt64BE(at + 2)) };
}
