import { createHash } from 'node:crypto';
import { idPrefixes } from '@muster/protocol';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The id of the bot that a drawing makes at its place. Same drawing and place, same id, on every installation and at any
 * time: what a bot does is drawn from its id, so a simulated day comes out the same again. The project is part of it because
 * two projects of one installation may draw alike; `life` counts up when a bot of that place was purged and drawn again, so
 * that the new one never takes its acts for those of the old one.
 */
export function seededId(
  drawing: { projectId: string; targetId: string; seed: number },
  index: number,
  life = 0,
): string {
  const { projectId, targetId, seed } = drawing;
  const hash = (...parts: (string | number)[]): Buffer =>
    createHash('sha256').update(parts.join('\u0000')).digest().subarray(0, 16);
  const bytes = hash(projectId, targetId, seed, index, life);
  // A UUID in form, whose first bits say the drawing and the next ones the place: ids of a drawing sort in its order.
  hash(projectId, targetId, seed).copy(bytes, 0, 0, 4);
  bytes.writeUInt16BE(Math.floor(index / 4_096) & 0xffff, 4);
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
