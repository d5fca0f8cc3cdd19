import { covers, patternCovers } from '@muster/protocol';
import type { BrowserPrincipal } from '#kernel/auth';
import { forbidden } from '#kernel/base';
import type { Room } from './deps.ts';
import { tokenLimits } from './limits.ts';
import { showToken } from './mint-token.ts';
import type { RenewBody, TokenShape } from './shapes.ts';

/**
 * A fresh token for one that is renewable, with the same rights or fewer, until a day after the first of its line. Errors:
 * `forbidden` `token_not_renewable`, `token_renewal_over`, `token_path`, `missing_scope`.
 */
export async function renewToken(room: Room, who: BrowserPrincipal, input: RenewBody): Promise<TokenShape> {
  const now = room.clock.now();
  if (!who.renewable)
    throw forbidden('token_not_renewable', 'This token was not made to be renewed; ask your own server for a new one.');
  if (now >= who.bornAt + tokenLimits.renewMsMax)
    throw forbidden('token_renewal_over', 'A token is renewed for a day; ask your own server for a new one.');
  if (!covers(who.scopes, 'streams:operate'))
    throw forbidden('missing_scope', 'The key that made this token may not make tokens any more.', {
      extra: { scope: 'streams:operate' },
    });
  const paths = input.paths ?? who.paths;
  const operations = input.operations ?? who.operations;
  const wider = paths.find((path) => !who.paths.some((own) => patternCovers(own, path)));
  if (wider !== undefined)
    throw forbidden('token_path', `${wider} is wider than what this token has.`, { extra: { paths: who.paths } });
  const more = operations.find((operation) => !who.operations.includes(operation));
  if (more !== undefined)
    throw forbidden('token_path', `This token does not allow to ${more}.`, { extra: { operations: who.operations } });
  const { keyId, projectId, subject, producerPrefix, renewable, bornAt } = who;
  const made = await room.auth.issueBrowserToken({
    keyId,
    projectId,
    subject,
    producerPrefix,
    renewable,
    bornAt,
    paths: [...new Set(paths)],
    operations: [...new Set(operations)],
    ttlMs: input.ttlMs,
  });
  room.acted.add({ act: 'renewed' });
  return showToken(made, now);
}
