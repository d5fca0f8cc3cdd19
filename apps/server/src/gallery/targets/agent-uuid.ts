import { idPattern } from '@muster/protocol';
import { internal } from '#kernel/base';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** The UUID that a `gbt_` id is another spelling of: what targets know the bot's account by. Throws `internal` for any other text. */
export function agentUuid(botId: string): string {
  if (!idPattern('galleryBot').test(botId))
    throw internal('not_a_bot_id', `${botId.slice(0, 40)} is not the id of a gallery bot.`);
  let value = 0n;
  for (const letter of botId.slice(4)) value = value * 32n + BigInt(alphabet.indexOf(letter));
  // 26 letters hold two bits more than a UUID has.
  const hex = BigInt.asUintN(128, value).toString(16).padStart(32, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
