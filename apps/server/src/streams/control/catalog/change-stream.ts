import { writeAudit } from '#kernel/auth';
import { forbidden, invalid } from '#kernel/base';
import type { Configuration, Head } from '#kernel/log';
import { type Asked, firstOf, type Room } from './deps.ts';
import { headOf } from './list-streams.ts';
import type { ChangeBody, StreamShape } from './shapes.ts';
import { showStream } from './show-stream.ts';

/**
 * Changes how long a stream is kept. `ifMatch` is asked with the version found; the change then holds for that version only.
 * Errors: `forbidden` `missing_scope`, `managed_stream`; `notFound` `stream_unknown`; `conflict` `version_conflict`;
 * `invalid` `ttl_and_expiry`, `expiry_malformed`, `change_empty`.
 */
export async function changeStream(
  room: Room,
  { who, address, requestId }: Asked,
  path: string,
  input: ChangeBody,
  ifMatch?: (version: number) => void,
): Promise<StreamShape> {
  room.auth.requireScope(who, 'streams:admin');
  const change = changeOf(room, input);
  const head = await headOf(room, who, path);
  if (room.managedScope(firstOf(path)) !== undefined)
    throw forbidden(
      'managed_stream',
      `${path} belongs to a room of this server, which alone decides how long it is kept.`,
      {
        extra: { path },
      },
    );
  ifMatch?.(head.version);
  // The log is no part of the transaction: the row is kept only when the change was made.
  return room.db.transaction(async (tx) => {
    const after = await room.log.configure(head.key, change, ifMatch ? head.version : undefined);
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'stream.changed',
      subject: path,
      before: rulesOf(head),
      after: rulesOf(after),
    });
    return showStream(after);
  });
}

const rulesOf = ({ retention, ttlSeconds, expiresAt }: Head): Record<string, unknown> => ({
  retention: retention ?? null,
  ttlSeconds: ttlSeconds ?? null,
  expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
});

function changeOf(room: Room, { retention, ttlSeconds, expiresAt }: ChangeBody): Configuration {
  if (retention === undefined && ttlSeconds === undefined && expiresAt === undefined)
    throw invalid('change_empty', 'Nothing to change: give retention, ttlSeconds or expiresAt.');
  if (typeof ttlSeconds === 'number' && typeof expiresAt === 'number')
    throw invalid('ttl_and_expiry', 'A stream has a TTL or an instant, not both.', {
      errors: [{ pointer: '/expiresAt', detail: 'not together with ttlSeconds' }],
    });
  if (typeof expiresAt === 'number' && expiresAt <= room.clock.now())
    throw invalid('expiry_malformed', 'The end of a stream lies in the future; to end it now, delete it.', {
      errors: [{ pointer: '/expiresAt', detail: 'in the past' }],
    });
  return {
    ...(retention === undefined ? {} : { retention: retention === null ? null : ruleOf(retention) }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** Without the fields that were not given. */
export const ruleOf = ({
  maxAgeMs,
  maxBytes,
  maxMessages,
}: NonNullable<ChangeBody['retention']>): NonNullable<Configuration['retention']> => ({
  ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  ...(maxBytes === undefined ? {} : { maxBytes }),
  ...(maxMessages === undefined ? {} : { maxMessages }),
});
