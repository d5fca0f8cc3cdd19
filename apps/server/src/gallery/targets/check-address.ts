import { invalid, MusterError } from '#kernel/base';
import type { Outbound } from '#kernel/outbound';

/**
 * The base URL of a target somebody typed: http or https, no user part, no query, and not an address of ours, looked up.
 * Answers it without a slash at its end. `invalid` `target_address`. Each call looks again, so a name that turns private
 * later is refused then.
 */
export async function checkAddress(outbound: Pick<Outbound, 'check'>, text: string): Promise<string> {
  const url = URL.parse(text);
  if (!url) throw refused('This is not a URL.');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused('A gallery is reached by https or http.');
  if (url.username !== '' || url.password !== '')
    throw refused('Name no user and no password in it; set the token of the target.');
  if (url.search !== '' || url.hash !== '') throw refused('Leave out everything after the path.');
  try {
    await outbound.check(url.href);
  } catch (error) {
    if (error instanceof MusterError && error.code === 'invalid') throw refused(error.message, error);
    throw error;
  }
  return url.href.replace(/\/+$/, '');
}

const refused = (detail: string, cause?: MusterError): MusterError =>
  invalid('target_address', detail, {
    errors: [{ pointer: '/baseUrl', detail }],
    ...(cause ? { cause, extra: cause.extra } : {}),
  });
