import { invalid, type MusterError } from '#kernel/base';
import { isName } from './append-checks.ts';
import type { LogLimits } from './limits.ts';
import type { CreateStream, Retention } from './log.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what is refused here
const plain = /^[^\u0000-\u001f\u007f]+$/;

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
  if (!plain.test(input.contentType) || !isName(input.contentType, limits.nameBytesMax)) {
    return invalid('content_type_malformed', `A content type is 1 to ${limits.nameBytesMax} bytes of plain text.`);
  }
  const first = input.first ?? [];
  if (first.length > limits.appendMessagesMax || totalBytes(first) > limits.appendBytesMax) {
    return invalid(
      'body_too_large',
      `The first content is one append: at most ${limits.appendMessagesMax} messages and ${limits.appendBytesMax} bytes.`,
      { status: 413 },
    );
  }
  return input.retention ? checkRetention(input.retention) : undefined;
}

export function checkRetention(rule: Retention): MusterError | undefined {
  for (const value of [rule.maxAgeMs, rule.maxBytes, rule.maxMessages]) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      return invalid('retention_malformed', 'Each part of a retention rule is a whole number above 0.');
    }
  }
  return undefined;
}

export const totalBytes = (messages: readonly Uint8Array[]): number =>
  messages.reduce((sum, { length }) => sum + length, 0);
