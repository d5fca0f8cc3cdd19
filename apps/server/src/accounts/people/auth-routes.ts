import { personMeSchema } from '@muster/protocol';
import { z } from 'zod';
import { unauthenticated } from '#kernel/base';
import { type Answer, answer, type Call, type Http, problemOf, requireSameOrigin } from '#kernel/http';
import { fromOf } from './forms.ts';
import { peopleLimits } from './limits.ts';
import { passSecond } from './pass-second.ts';
import { readSecondFactor } from './queries/second-factors.ts';
import type { PeopleRoom } from './room.ts';
import { meOf } from './shapes.ts';
import { type SignedIn, signIn, signOut } from './sign-in.ts';

const signInBody = z.strictObject({
  email: z.string().max(1000),
  password: z.string().max(4096),
});

/** `/api/auth/…`: signing in and out for programs of ours that run in a browser. The cookie is never readable for them. */
export function authRoutes(room: PeopleRoom, http: Http): void {
  // Other paths below /api belong to systems that say errors in their own words.
  const routes = http.area({
    prefixes: ['/api/auth'],
    errors: (error, { requestId }) => ({
      status: error.status,
      body: problemOf(error, requestId),
      headers: { 'content-type': 'application/problem+json' },
    }),
  });
  routes.route({
    method: 'POST',
    path: '/api/auth/sign-in/email',
    // Nobody has a credential yet; where the call comes from is looked at before its body.
    auth: (head) => requireSameOrigin(head, room.publicOrigin),
    summary: 'Sign in with email and password',
    description:
      'For pages of this server. Sets the cookie `muster_session`. The same answer after the same time whether there is such a person or not.',
    body: signInBody,
    bodyBytesMax: peopleLimits.formBytesMax,
    hidden: true,
    answers: { 200: { description: 'Who signed in.', schema: personMeSchema } },
    handle: async (call) => {
      const entered = await signIn(room, call.input.body, fromOf(call), call.headers.cookie);
      if ('token' in entered) return welcome(room, call, entered);
      const { challenge, expiresAt } = entered;
      throw unauthenticated(
        'second_factor_needed',
        'The password is right. Give the code of your authenticator: POST /api/auth/sign-in/second-factor {challenge, code}.',
        { extra: { challenge, expiresAt: expiresAt.toISOString() } },
      );
    },
  });
  routes.route({
    method: 'POST',
    path: '/api/auth/sign-in/second-factor',
    auth: (head) => requireSameOrigin(head, room.publicOrigin),
    summary: 'Give the code that signing in asks for',
    body: z.strictObject({ challenge: z.string().max(100), code: z.string().max(40) }),
    bodyBytesMax: peopleLimits.formBytesMax,
    hidden: true,
    answers: { 200: { description: 'Who signed in.', schema: personMeSchema } },
    handle: async (call) =>
      welcome(room, call, await passSecond(room, call.input.body, fromOf(call), call.headers.cookie)),
  });
  routes.route({
    method: 'POST',
    path: '/api/auth/sign-out',
    auth: (head) => requireSameOrigin(head, room.publicOrigin),
    summary: 'Sign out',
    hidden: true,
    answers: { 204: { description: 'Nobody is signed in in this browser any more.' } },
    handle: async (call) => {
      await signOut(room, call.headers.cookie, fromOf(call));
      return answer(204, undefined, { 'set-cookie': room.cookie.clear(call.https) });
    },
  });
}

async function welcome(room: PeopleRoom, call: Pick<Call, 'https'>, { token, found }: SignedIn): Promise<Answer> {
  return answer(200, meOf(found, await readSecondFactor(room.db, found.personId)), {
    'set-cookie': room.cookie.set(token, call.https),
    'cache-control': 'no-store',
  });
}
