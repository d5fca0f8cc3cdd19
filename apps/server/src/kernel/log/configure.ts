import { type Clock, conflict } from '#kernel/base';
import { absenceOf, unknown } from './absence.ts';
import { checkSettings } from './creation-checks.ts';
import { frameTypes } from './frame.ts';
import type { Settings, StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { Configuration, StreamKey } from './log.ts';
import type { Configured } from './notes.ts';
import type { Publisher } from './publisher.ts';
import type { Removal } from './removal.ts';
import type { Writer } from './writer.ts';

export type ConfigureParts = {
  writer: Writer;
  heads: Heads;
  removal: Removal;
  publisher: Publisher;
  clock: Clock;
  limits: LogLimits;
};

/** Changes what may change in the life of a stream; resolves with its head when that is durable. */
export async function configureStream(
  { writer, heads, removal, publisher, clock, limits }: ConfigureParts,
  key: StreamKey,
  change: Configuration,
  ifVersion?: number,
): Promise<StreamHead> {
  let found: StreamHead | undefined;
  while (!(found = heads.at(key)) && (await heads.load(key)) === 'present');
  const head = found ?? heads.at(key);
  if (!head) throw unknown(key);
  removal.expireIfDue(head);
  if (head.removing) return writer.refuse(head, absenceOf(head));
  const settings = changed(head.settings, change);
  const refused =
    ifVersion !== undefined && ifVersion !== head.nextVersion
      ? conflict(
          'version_conflict',
          `The configuration has changed meanwhile: its version is now ${head.nextVersion}.`,
          {
            extra: { version: head.nextVersion },
          },
        )
      : checkSettings(settings, limits);
  if (refused) return writer.refuse(head, refused);
  writer.checkFull();
  const version = head.nextVersion + 1;
  const note: Configured = { version, ...settings };
  const ms = clock.now();
  head.nextVersion = version;
  head.settings = settings;
  // From here on: the end it would have had must not come before the frame that moves it.
  head.outlive(settings, ms);
  await writer.act(head, frameTypes.retain, {
    firstSeq: head.lastSeq + 1,
    ms,
    note: JSON.stringify(note),
    committed: () => {
      head.configure(settings, ms);
      head.version = version;
      heads.deadlines.track(head);
      publisher.changed(head);
    },
  });
  return head;
}

/** What is not named stays; a sliding lifetime and an instant replace each other. */
function changed(settings: Settings, { retention, ttlSeconds, expiresAt }: Configuration): Settings {
  const next: Settings = { ...settings };
  if (retention !== undefined) next.retention = retention ?? undefined;
  if (ttlSeconds !== undefined) next.ttlSeconds = ttlSeconds ?? undefined;
  if (expiresAt !== undefined) next.expiresAt = expiresAt ?? undefined;
  if (typeof ttlSeconds === 'number' && expiresAt === undefined) next.expiresAt = undefined;
  if (typeof expiresAt === 'number' && ttlSeconds === undefined) next.ttlSeconds = undefined;
  return next;
}
