import { createHash } from 'node:crypto';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The id of a think, and of everything that carries it (ledger key, spend, activity): it depends on nothing but which think
 * of which bot it is, so a think that is begun again after a crash has the same one and nothing is done twice (I9).
 */
export const thoughtIdOf = (fleetSeed: number, botId: string, thinkNo: number): string =>
  `act_${codeOf(`${fleetSeed}\u0000${botId}\u0000${thinkNo}`)}`;

/** A further id that belongs to a think: its second activity, a memory. */
export const furtherId = (thoughtId: string, part: string): string => `act_${codeOf(`${thoughtId}\u0000${part}`)}`;

/** Targets of different projects share names. */
export const sameKey = (bot: { projectId: string; targetId: string }): string => `${bot.projectId} ${bot.targetId}`;

/** 128 bits of SHA-256 in Crockford base32, as every id has them. */
function codeOf(name: string): string {
  const digest = createHash('sha256').update(name).digest();
  let text = alphabet.charAt(digest.readUInt8(0) >> 5);
  let bits = digest.readUInt8(0) & 31;
  let held = 5;
  for (let at = 1; text.length < 26; ) {
    if (held >= 5) {
      held -= 5;
      text += alphabet.charAt((bits >> held) & 31);
      bits &= (1 << held) - 1;
    } else {
      bits = (bits << 8) | digest.readUInt8(at++);
      held += 8;
    }
  }
  return text;
}
