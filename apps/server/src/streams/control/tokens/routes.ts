import type { BrowserPrincipal } from '#kernel/auth';
import { forbidden } from '#kernel/base';
import { answer, type RequestHead, type Routes } from '#kernel/http';
import type { Metrics } from '#kernel/telemetry';
import { acts, type Room, type TokensDeps } from './deps.ts';
import { mintToken } from './mint-token.ts';
import { renewToken } from './renew-token.ts';
import { revokeTokens } from './revoke-tokens.ts';
import { endUserParams, keySetShape, newTokenBody, renewBody, tokenShape } from './shapes.ts';

/** `/v1/stream-tokens`, `/v1/jwks.json`. */
export function tokenRoutes(deps: TokensDeps & { metrics: Metrics }, routes: Routes): void {
  const room: Room = {
    ...deps,
    acted: deps.metrics.counter({
      name: 'muster_streams_tokens_total',
      help: 'Browser tokens for streams: made, renewed, and revocations.',
      labels: { act: acts },
    }),
  };
  routes.route({
    method: 'POST',
    path: '/v1/stream-tokens',
    // A token ends with the key that made it, so there must be one.
    auth: { scope: 'streams:operate', people: false },
    summary: 'Make a token for a browser',
    description:
      'Narrow and short-lived, for pages that read or append by themselves. It may never do more than the key that made it, and ends with it.',
    body: newTokenBody,
    status: 201,
    answers: { 201: { description: 'The token, this one time.', schema: tokenShape } },
    handle: (call) => mintToken(room, call, call.input.body, call.once()),
  });
  routes.route({
    method: 'POST',
    path: '/v1/stream-tokens/refresh',
    auth: (head) => browserOf(deps, head),
    cors: 'origins',
    summary: 'Exchange a renewable browser token for a fresh one',
    description:
      'With the token itself as the credential. Same rights or fewer; until a day after the first of its line.',
    body: renewBody,
    status: 201,
    answers: { 201: { description: 'The next token.', schema: tokenShape } },
    handle: ({ who, input }) => renewToken(room, who, input.body),
  });
  routes.route({
    method: 'POST',
    path: '/v1/end-users/:id/revoke-tokens',
    auth: { scope: 'streams:operate' },
    summary: 'End every browser token of an end user',
    description: 'All that were made with this `subject` until now; what is open with one ends within seconds.',
    params: endUserParams,
    answers: { 204: { description: 'Revoked.' } },
    handle: (call) => revokeTokens(room, call, call.input.params.id),
  });
  routes.route({
    method: 'GET',
    path: '/v1/jwks.json',
    auth: 'open',
    cors: 'public',
    summary: 'Public keys of browser tokens',
    description: 'The present one first; keys of a previous secret stay as long as that is set.',
    answers: {
      200: { description: 'A key set (RFC 7517).', schema: keySetShape, contentType: 'application/jwk-set+json' },
    },
    handle: () =>
      answer(200, deps.auth.browserKeys(), {
        'content-type': 'application/jwk-set+json',
        'cache-control': 'public, max-age=300',
      }),
  });
}

/** Only a browser token is exchanged. Errors as `auth.authenticate`; `forbidden` `wrong_credential_kind`. */
async function browserOf({ auth }: TokensDeps, head: RequestHead): Promise<BrowserPrincipal> {
  const header = head.headers.authorization;
  const credential = header === undefined ? undefined : (/^bearer[ \t]+(\S+)[ \t]*$/i.exec(header)?.[1] ?? '');
  const who = await auth.authenticate(credential, head.address);
  if (who.kind === 'browser') return who;
  throw forbidden(
    'wrong_credential_kind',
    `Only a browser token is renewed; the credential given is of kind ${who.kind}.`,
    {
      extra: { wanted: 'browser', given: who.kind },
    },
  );
}
