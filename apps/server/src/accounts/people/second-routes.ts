import { newSecondFactorSchema, recoveryCodesSchema } from '@muster/protocol';
import { z } from 'zod';
import { answer, type Http, type RequestHead } from '#kernel/http';
import { fromOf } from './forms.ts';
import { beginSecondFactor, confirmSecondFactor, endSecondFactor, renewRecoveryCodes } from './own-second.ts';
import type { PeopleRoom } from './room.ts';
import { requireSignIn } from './signed-in.ts';

const onceOnly = { 'cache-control': 'no-store' };

/** `/v1/me/second-factor`: a code besides the password, by an authenticator of one's own. */
export function secondRoutes(room: PeopleRoom, http: Http): void {
  const person = (head: RequestHead) => requireSignIn(room, head);
  http.route({
    method: 'POST',
    path: '/v1/me/second-factor',
    auth: person,
    summary: 'Begin to set up a second factor',
    description: 'Wants a fresh password. It counts once a code of the authenticator confirmed it.',
    status: 201,
    answers: { 201: { description: 'The secret, this one time.', schema: newSecondFactorSchema } },
    handle: async (call) => answer(201, await beginSecondFactor(room, call.who, fromOf(call)), onceOnly),
  });
  http.route({
    method: 'POST',
    path: '/v1/me/second-factor/confirm',
    auth: person,
    summary: 'Turn the second factor on with a code of it',
    body: z.strictObject({ code: z.string().max(40) }),
    answers: { 200: { description: 'It is on. Recovery codes, this one time.', schema: recoveryCodesSchema } },
    handle: async (call) => {
      const recoveryCodes = await confirmSecondFactor(room, call.who, call.input.body.code, fromOf(call));
      return answer(200, { recoveryCodes }, onceOnly);
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/me/second-factor/recovery-codes',
    auth: person,
    summary: 'Make new recovery codes',
    description: 'Wants a fresh password. Those made before end.',
    answers: { 200: { description: 'The codes, this one time.', schema: recoveryCodesSchema } },
    handle: async (call) =>
      answer(200, { recoveryCodes: await renewRecoveryCodes(room, call.who, fromOf(call)) }, onceOnly),
  });
  http.route({
    method: 'DELETE',
    path: '/v1/me/second-factor',
    auth: person,
    summary: 'Turn the second factor off',
    description: 'Wants a fresh password.',
    answers: { 204: { description: 'The password alone signs in again.' } },
    handle: (call) => endSecondFactor(room, call.who, fromOf(call)),
  });
}
