import { createHash } from 'node:crypto';
import { idPrefixes } from '@muster/protocol';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The id of the bot that a drawing makes at its place: a UUIDv7 in which the moment of the seeding and the drawing itself stand
 * for chance. Same project, drawing, place and moment, same id: what a bot does later is drawn from its id, so a simulated
 * day comes out the same again.
 */
export function seededId(
  drawing: { projectId: string; targetId: string; seed: number; at: number },
  index: number,
): string {
  const { projectId, targetId, seed, at } = drawing;
  const bytes = createHash('sha256')
    .update([projectId, targetId, seed, at, index].join('\u0000'))
    .digest()
    .subarray(0, 16);
  // Places of one moment sort in their order: 12 bits count up, what is above counts milliseconds.
  bytes.writeUIntBE(at + Math.floor(index / 4_096), 0, 6);
  bytes.writeUInt16BE(0x7000 | (index % 4_096), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  let value = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let i = 0; i < 26; i++) {
    text = alphabet.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return `${idPrefixes.galleryBot}_${text}`;
}
