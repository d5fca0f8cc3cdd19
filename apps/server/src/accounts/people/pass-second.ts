import { type MusterError, newId, unauthenticated } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { newToken, tokenHash } from './cookie.ts';
import { peopleLimits } from './limits.ts';
import { endChallenge, readChallenge } from './queries/challenges.ts';
import { lockSecondFactor, takePeriod, takeRecoveryCode } from './queries/second-factors.ts';
import { findSignIn, insertSignIn } from './queries/sign-ins.ts';
import { forgetTries, takeTryBack } from './queries/tries.ts';
import { recoveryHash } from './recovery-codes.ts';
import type { From, PeopleRoom } from './room.ts';
import { identifierOf } from './second-challenge.ts';
import { periodOf } from './second-code.ts';
import { browserOf, letIn, type SignedIn } from './sign-in.ts';
import { readSignIn } from './signed-in.ts';
import { codesPair, refused, takeTry } from './tries.ts';

export const wrongCode = (): MusterError =>
  unauthenticated('wrong_code', 'This code is not right, or was used already. Wait for the next one.');
const stepOver = (): MusterError =>
  unauthenticated('second_step_over', 'That took too long, or the code was given already. Sign in again.');

/**
 * The second step: a code of the authenticator, or a recovery code, which is used up. Wrong ones are counted by person. Errors:
 * `unauthenticated` `wrong_code`, `second_step_over`; `exhausted` `too_many_tries`; `unavailable` `secrets_unreadable`.
 */
export async function passSecond(
  room: PeopleRoom,
  { challenge, code }: { challenge: string; code: string },
  from: From,
  cookie: string | undefined,
): Promise<SignedIn> {
  const { db, clock } = room;
  const identifier = identifierOf(challenge);
  const personId = identifier && (await readChallenge(db, identifier, new Date(clock.now())));
  if (!identifier || !personId) throw stepOver();
  const of = codesPair(personId);
  const tryId = await takeTry(room, of, from);
  const before = await readSignIn(room, cookie);
  const token = newToken();
  try {
    return await db.transaction(async (tx) => {
      const at = new Date(clock.now());
      const by = await takeCode(room, tx, personId, code);
      if (by === undefined) throw wrongCode();
      if (!(await endChallenge(tx, identifier, at))) throw stepOver();
      await forgetTries(tx, of);
      const expiresAt = new Date(at.getTime() + peopleLimits.signInIdleMs);
      const hash = tokenHash(token);
      await insertSignIn(tx, { id: newId('signIn'), tokenHash: hash, personId, ...browserOf(from), at, expiresAt });
      const found = await findSignIn(tx, hash, at, new Date(0));
      if (!found) throw stepOver();
      await letIn(room, tx, { found, before, by }, from);
      return { token, found };
    });
  } catch (error) {
    if (error instanceof Error && 'reason' in error && error.reason === 'wrong_code')
      throw refused(room, from, wrongCode());
    // Nobody was told whether it was right, so it was no try.
    await db.transaction((tx) => takeTryBack(tx, tryId));
    throw error;
  }
}

/** How the code proves the second factor, which is then used up; `undefined`: not at all. */
export async function takeCode(
  { box, clock }: PeopleRoom,
  tx: Tx,
  personId: string,
  code: string,
): Promise<'code' | 'recovery code' | undefined> {
  const now = clock.now();
  const factor = await lockSecondFactor(tx, personId);
  if (!factor) return undefined;
  const recovery = recoveryHash(code);
  if (recovery) {
    const used = factor.confirmed && (await takeRecoveryCode(tx, personId, recovery, new Date(now)));
    return used ? 'recovery code' : undefined;
  }
  const bound = Buffer.from(personId);
  const secret = box.open(factor.secret, bound);
  const period = periodOf(code.replaceAll(/\s/g, ''), secret, now, factor.lastPeriod);
  if (period === undefined) return undefined;
  // Sealed anew: after a change of the server's secret the former one is not needed for ever.
  await takePeriod(tx, { personId, period, secret: box.seal(secret, bound), at: new Date(now) });
  return 'code';
}
