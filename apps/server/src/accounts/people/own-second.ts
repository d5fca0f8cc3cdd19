import type { NewSecondFactor } from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import { conflict, type MusterError, notFound } from '#kernel/base';
import { takeCode, wrongCode } from './pass-second.ts';
import {
  putSecondFactor,
  readSecondFactor,
  removeSecondFactor,
  replaceRecoveryCodes,
} from './queries/second-factors.ts';
import type { SignInRecord } from './queries/sign-ins.ts';
import { forgetTries, takeTryBack } from './queries/tries.ts';
import { newRecoveryCodes, recoveryHash } from './recovery-codes.ts';
import type { From, PeopleRoom } from './room.ts';
import { base32, newSecret, uriOf } from './second-code.ts';
import { actorOf, requireFresh } from './signed-in.ts';
import { codesPair, refused, takeTry } from './tries.ts';

const alreadyOn = (): MusterError =>
  conflict('second_factor_on', 'There is a second factor already. Turn it off first to use another authenticator.');
const notOn = (): MusterError => notFound('no_second_factor', 'There is no second factor to change.');

/**
 * A secret for an authenticator, which counts once a code of it was given. Errors: `forbidden` `password_needed`; `conflict`
 * `second_factor_on`.
 */
export async function beginSecondFactor(
  room: PeopleRoom,
  found: SignInRecord,
  { address, requestId }: From,
): Promise<NewSecondFactor> {
  requireFresh(room, found.confirmedAt.getTime());
  const { personId, email } = found;
  const secret = newSecret();
  const sealed = room.box.seal(secret, Buffer.from(personId));
  await room.db.transaction(async (tx) => {
    if (!(await putSecondFactor(tx, personId, sealed, new Date(room.clock.now())))) throw alreadyOn();
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.second_factor_begun', subject: personId });
  });
  return { secret: base32(secret), uri: uriOf(secret, email, new URL(room.publicBase()).host) };
}

/**
 * From now on signing in asks for a code. Resolves with recovery codes, this one time. Errors: `unauthenticated` `wrong_code`;
 * `exhausted` `too_many_tries`; `conflict` `second_factor_on`.
 */
export async function confirmSecondFactor(
  room: PeopleRoom,
  found: SignInRecord,
  code: string,
  from: From,
): Promise<string[]> {
  const { personId } = found;
  if ((await readSecondFactor(room.db, personId)).on) throw alreadyOn();
  const of = codesPair(personId);
  const tryId = await takeTry(room, of, from);
  const codes = newRecoveryCodes();
  try {
    const right = await room.db.transaction(async (tx) => {
      if ((await takeCode(room, tx, personId, code)) !== 'code') return false;
      await forgetTries(tx, of);
      await replaceRecoveryCodes(tx, personId, hashesOf(codes));
      const { address, requestId } = from;
      const who = actorOf(found);
      await writeAudit(tx, { who, address, requestId, action: 'person.second_factor_on', subject: personId });
      return true;
    });
    if (right) return codes;
  } catch (error) {
    await room.db.transaction((tx) => takeTryBack(tx, tryId));
    throw error;
  }
  throw refused(room, from, wrongCode());
}

/** New codes; those before end. Errors: `forbidden` `password_needed`; `notFound` `no_second_factor`. */
export async function renewRecoveryCodes(
  room: PeopleRoom,
  found: SignInRecord,
  { address, requestId }: From,
): Promise<string[]> {
  requireFresh(room, found.confirmedAt.getTime());
  const codes = newRecoveryCodes();
  await room.db.transaction(async (tx) => {
    if (!(await readSecondFactor(tx, found.personId)).on) throw notOn();
    await replaceRecoveryCodes(tx, found.personId, hashesOf(codes));
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.recovery_codes_made', subject: found.personId });
  });
  return codes;
}

/** The password alone signs in again. Errors: as above. */
export async function endSecondFactor(
  room: PeopleRoom,
  found: SignInRecord,
  { address, requestId }: From,
): Promise<void> {
  requireFresh(room, found.confirmedAt.getTime());
  await room.db.transaction(async (tx) => {
    if (!(await removeSecondFactor(tx, found.personId))) throw notOn();
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.second_factor_off', subject: found.personId });
  });
}

const hashesOf = (codes: readonly string[]): Uint8Array[] => codes.flatMap((code) => recoveryHash(code) ?? []);
