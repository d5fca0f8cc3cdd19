import { MusterError } from '@muster/protocol/errors';

/** `fetch` tidies `.` and `..` away, so a path that holds them would reach another stream. */
export function addressOf(path: string): string {
  const segments = path.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new MusterError('invalid', {
      reason: 'path_malformed',
      detail: `${JSON.stringify(path)} is no path of a stream: no segment may be empty, "." or "..".`,
    });
  }
  return `/v1/stream/${segments.map(encodeURIComponent).join('/')}`;
}
