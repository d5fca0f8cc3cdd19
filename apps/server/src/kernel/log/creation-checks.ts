import { invalid, type MusterError } from '#kernel/base';
import { isName } from './append-checks.ts';
import type { Settings } from './head.ts';
import type { LogLimits } from './limits.ts';
import type { CreateStream, Retention } from './log.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what is refused here
const plain = /^[^\u0000-\u001f\u007f]+$/;

/** The last millisecond of the year 9999. */
const instantMax = 253_402_300_799_999;

/** Everything that can be said about a new stream without looking. */
export function checkCreation(input: CreateStream, limits: LogLimits): MusterError | undefined {
  const { path, projectId } = input.key;
  const segments = path.split('/');
  const wellFormed =
    plain.test(path) &&
    isName(path, limits.pathBytesMax) &&
    segments.length <= limits.pathSegmentsMax &&
    segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  if (!wellFormed) {
    return invalid(
      'path_malformed',
      `A stream path has 1 to ${limits.pathSegmentsMax} segments and at most ${limits.pathBytesMax} bytes, without control characters.`,
    );
  }
  if (!isName(projectId, limits.nameBytesMax))
    return invalid('project_malformed', 'The project id is not usable text.');
  const { contentType, fork } = input;
  if (contentType !== undefined && (!plain.test(contentType) || !isName(contentType, limits.nameBytesMax))) {
    return invalid('content_type_malformed', `A content type is 1 to ${limits.nameBytesMax} bytes of plain text.`);
  }
  const first = input.first ?? [];
  if (first.length > limits.appendMessagesMax || totalBytes(first) > limits.appendBytesMax) {
    return tooLarge(limits);
  }
  if (fork?.sub !== undefined && !(Number.isSafeInteger(fork.sub) && fork.sub >= 0))
    return invalid('fork_sub_offset', 'A sub-offset is a whole number from 0.');
  return checkSettings(input, limits);
}

/** A lifetime and a rule of retention, as they are given to a stream. */
export function checkSettings(
  { retention, ttlSeconds, expiresAt }: Settings,
  limits: LogLimits,
): MusterError | undefined {
  if (ttlSeconds !== undefined && expiresAt !== undefined)
    return invalid('ttl_and_expiry', 'A stream has a TTL or an instant at which it expires, not both.');
  if (ttlSeconds !== undefined && !(Number.isSafeInteger(ttlSeconds) && ttlSeconds >= 0))
    return invalid('ttl_malformed', 'A TTL is a whole number of seconds.');
  if (ttlSeconds !== undefined && ttlSeconds > limits.ttlSecondsMax)
    return invalid('ttl_malformed', `A TTL is at most ${limits.ttlSecondsMax} seconds.`);
  if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt >= 0 && expiresAt <= instantMax))
    return invalid('expiry_malformed', 'The instant at which a stream expires is a time in milliseconds since 1970.');
  return retention ? checkRetention(retention) : undefined;
}

function checkRetention(rule: Retention): MusterError | undefined {
  for (const value of [rule.maxAgeMs, rule.maxBytes, rule.maxMessages]) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      return invalid('retention_malformed', 'Each part of a retention rule is a whole number above 0.');
    }
  }
  return undefined;
}

/** What a fork copies out of its source's last append counts. */
export const tooLarge = (limits: LogLimits): MusterError =>
  invalid(
    'body_too_large',
    `The first content is one append: at most ${limits.appendMessagesMax} messages and ${limits.appendBytesMax} bytes.`,
    { status: 413 },
  );

export const totalBytes = (messages: readonly Uint8Array[]): number =>
  messages.reduce((sum, { length }) => sum + length, 0);
