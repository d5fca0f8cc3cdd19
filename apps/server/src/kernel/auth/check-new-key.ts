import { scopes as allScopes } from '@muster/protocol';
import { invalid, isRange, type MusterError, nearest } from '#kernel/base';
import type { NewApiKey } from './auth.ts';
import { authLimits } from './limits.ts';

/** What a new key must be, whoever asks for it. */
export function checkNewKey({ name, scopes, addresses = [], expiresAt }: NewApiKey, nowMs: number): void {
  if (name.length < 1 || name.length > authLimits.keyNameLengthMax) {
    throw wrong('bad_name', '/name', `A key's name has 1 to ${authLimits.keyNameLengthMax} characters.`);
  }
  if (scopes.length === 0) throw wrong('no_scopes', '/scopes', 'A key needs at least one scope.');
  for (const [i, scope] of scopes.entries()) {
    if (allScopes.includes(scope)) continue;
    const near = nearest(scope, allScopes);
    const told = near ? `; did you mean ${near}?` : '.';
    throw wrong('unknown_scope', `/scopes/${i}`, `There is no scope ${JSON.stringify(scope.slice(0, 64))}${told}`);
  }
  if (addresses.length > authLimits.keyAddressesMax) {
    throw wrong(
      'too_many_addresses',
      '/addresses',
      `A key takes at most ${authLimits.keyAddressesMax} address ranges.`,
    );
  }
  for (const [i, range] of addresses.entries()) {
    if (isRange(range)) continue;
    throw wrong(
      'bad_address_range',
      `/addresses/${i}`,
      `${JSON.stringify(range.slice(0, 64))} is not an address or a range such as 10.0.0.0/8.`,
    );
  }
  if (expiresAt && expiresAt.getTime() <= nowMs)
    throw wrong('already_expired', '/expiresAt', 'The end of a key must lie in the future.');
}

const wrong = (reason: string, pointer: string, detail: string): MusterError =>
  invalid(reason, detail, { errors: [{ pointer, detail }] });
