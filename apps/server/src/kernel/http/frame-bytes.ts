/*
 * WebSocket text frames from server to client (RFC 6455 §5.2): whole, unmasked, not deflated. Bytes framed here go past
 * `ws` straight to the connection; `ws` writes whole frames in one turn too, so the two never mix inside a frame.
 */

/** Longest head: opcode, length marker, 8 bytes of length. */
const extended16 = 126;
const extended64 = 127;

/** The first bytes of a text frame of `length` bytes. */
export function frameHead(length: number): Buffer {
  if (length < extended16) return Buffer.from([0x81, length]);
  if (length < 65_536) return Buffer.from([0x81, extended16, length >>> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = 0x81;
  head[1] = extended64;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** One JSON value as a frame, in one buffer. */
export function jsonFrame(value: unknown): Buffer {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  const head = frameHead(length);
  const frame = Buffer.allocUnsafe(head.length + length);
  head.copy(frame);
  frame.write(text, head.length, 'utf8');
  return frame;
}
