import { type Era, type Settings, StreamHead } from './head.ts';
import type { Fork } from './lineage.ts';
import type { StreamKey } from './log.ts';
import { type InheritedRange, Superseded } from './superseded.ts';

/** What a `create` frame says beside its header. */
export type BirthNote = Settings & {
  projectId: string;
  path: string;
  shard: number;
  contentType: string;
  fork?: ForkNote | undefined;
};

/** A fork as it begins: with what it inherited. */
export type ForkNote = Fork & {
  /** First position it inherited, or its first own one. */
  first: number;
  /** Payload of what it inherited. */
  bytes: number;
  /** Of the inherited positions. */
  eras: readonly Era[];
  /** Ranges of them that inherited messages tell again, and such as are gone. */
  superseded?: readonly InheritedRange[] | undefined;
};

/** All eras of a stream at its birth: those it inherited, then its own. */
export const erasOf = (note: BirthNote, era: number): Era[] => [
  ...(note.fork?.eras ?? []),
  { era, first: (note.fork?.seq ?? 0) + 1 },
];

/** A head as its `create` frame makes it, before the messages of that frame. */
export function bornHead(streamNo: number, note: BirthNote, era: number, ms: number): StreamHead {
  const key: StreamKey = { projectId: note.projectId, path: note.path };
  const { retention, ttlSeconds, expiresAt } = note;
  const head = new StreamHead({
    streamNo,
    key,
    shard: note.shard,
    contentType: note.contentType,
    eras: erasOf(note, era),
    createdAt: ms,
    configuration: { retention, ttlSeconds, expiresAt },
    fork: note.fork && forkOf(note.fork),
  });
  if (note.fork) {
    head.tail = note.fork.seq;
    head.lastSeq = note.fork.seq;
    head.firstSeq = note.fork.first;
    head.firstKept = note.fork.first;
    head.bytes = note.fork.bytes;
    head.superseded = Superseded.of(note.fork.superseded ?? []);
  }
  return head;
}

/** What of a fork is worth keeping once it was born. */
export const forkOf = ({ of, path, at, sub, seq, inheritsLife, depth, lineage }: Fork): Fork => ({
  of,
  path,
  at,
  sub,
  seq,
  inheritsLife,
  depth,
  lineage,
});
