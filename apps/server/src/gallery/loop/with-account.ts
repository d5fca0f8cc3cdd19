import { bioOf, TargetError } from '#gallery/model';
import type { One } from './think-one.ts';

/**
 * A call as this bot. A target that refuses its account may have lost it: it is made once more and the call repeated; a
 * second refusal is for a person to look at. Refused means that nothing was done, so nothing is done twice.
 */
export async function withAccount<T>(one: Pick<One, 'bot' | 'client' | 'traits'>, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof TargetError) || error.fault.kind !== 'account') throw error;
    const { bot, client, traits } = one;
    await client.provision({
      botId: bot.id,
      name: bot.name,
      username: bot.username,
      bio: bioOf(traits.vibe, bot.disclosureLabel),
      personaId: bot.personaId,
    });
    return await call();
  }
}

/** What was asked for the whole gallery and as no bot: a refusal concerns the token, not the bot that happened to come first. */
export async function asService<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof TargetError) || error.fault.kind !== 'account') throw error;
    throw new TargetError({ kind: 'held', reason: 'target_unauthorized' }, error.message, { cause: error });
  }
}
