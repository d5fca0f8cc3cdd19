import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { invalid, unavailable } from '#kernel/base';
import type { AddressRule } from './forbidden-ranges.ts';
import { outboundLimits } from './limits.ts';

/** Every address of a name, as the system resolves it. Tests give their own. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

/** Where a call goes: the addresses a connection may be made to, checked. */
export type Target = { url: URL; addresses: readonly LookupAddress[] };

/** `invalid` `url_malformed`: what is wrong with the text alone. The URL parser has already turned `0x7f.1` and `2130706433` into 127.0.0.1. */
export function readTarget(text: string): URL {
  if (text.length > outboundLimits.urlBytesMax)
    throw invalid('url_malformed', `A URL to call has at most ${outboundLimits.urlBytesMax} characters.`);
  const url = URL.parse(text);
  if (!url) throw invalid('url_malformed', 'This is not a URL.');
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw invalid('url_malformed', 'Only https (and, for allowed private addresses, http) is called.');
  if (url.username !== '' || url.password !== '')
    throw invalid(
      'url_malformed',
      'A URL to call carries no user and no password; use a header or a path that nobody guesses.',
    );
  return url;
}

/** Resolves a name once and keeps the addresses that may be called. */
export async function locate(url: URL, rule: AddressRule, resolve: Resolve, trusted = false): Promise<Target> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const found = family === 0 ? await lookUp(host, resolve) : [{ address: host, family }];
  const judged = found.map((entry) => ({ entry, verdict: rule.judge(entry.address, trusted) }));
  // All of them must be fit to be called: a name that mixes public and private addresses is a trick or a mistake.
  for (const { entry, verdict } of judged) if (!verdict.allowed) throw refused(host, entry.address, verdict.range);
  const asked = judged.every(({ verdict }) => verdict.allowed && verdict.asked);
  if (url.protocol === 'http:' && !asked)
    throw invalid(
      'address_not_allowed',
      `${host} is called by https only; plain http is for addresses that MUSTER_OUTBOUND_ALLOW names, or loopback while this server listens there only.`,
    );
  return { url, addresses: found };
}

async function lookUp(host: string, resolve: Resolve): Promise<readonly LookupAddress[]> {
  let found: readonly LookupAddress[];
  try {
    found = await resolve(host);
  } catch (error) {
    throw unavailable('outbound_unresolved', `The name ${host} could not be looked up.`, { cause: error });
  }
  if (found.length === 0) throw unavailable('outbound_unresolved', `The name ${host} has no address.`);
  return found;
}

const refused = (host: string, address: string, range: string): Error =>
  invalid(
    'address_not_allowed',
    `${host === address ? address : `${host} (${address})`} is a ${range} address, which this server does not call. To allow it, name it in MUSTER_OUTBOUND_ALLOW.`,
    { extra: { range, setting: 'MUSTER_OUTBOUND_ALLOW' } },
  );
