import { createHash } from 'node:crypto';
import { newId, randomToken } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { peopleLimits } from './limits.ts';
import { putChallenge } from './queries/challenges.ts';

const shape = /^[\w-]{43}$/;

/** How a challenge is kept; `undefined`: it is none of ours. */
export const identifierOf = (challenge: string): string | undefined =>
  shape.test(challenge) ? `second:${createHash('sha256').update(challenge).digest('hex')}` : undefined;

/** Whoever holds the challenge has given the right password, within the last five minutes. */
export async function askForCode(tx: Tx, personId: string, at: Date): Promise<{ challenge: string; expiresAt: Date }> {
  const challenge = randomToken(32);
  const expiresAt = new Date(at.getTime() + peopleLimits.secondStepMs);
  const identifier = identifierOf(challenge) ?? '';
  await putChallenge(tx, { id: newId('person'), identifier, personId, at, expiresAt });
  return { challenge, expiresAt };
}
