import type { StreamHead } from './head.ts';

/** Inherited positions behind those of the stretch before, up to `last`, stand in stream `streamNo`. */
export type Stretch = { readonly streamNo: number; readonly last: number };

/** What a fork was made from, as its `create` frame and its row have it. */
export type Fork = {
  /** Number and path of the source. */
  readonly of: number;
  readonly path: string;
  /** Where it was asked to begin: that position, and `sub` messages or bytes more. */
  readonly at: number;
  readonly sub: number;
  /** Last inherited position; the fork's own begin behind it. */
  readonly seq: number;
  /** It has the source's lifetime, because it was given none of its own. */
  readonly inheritsLife: boolean;
  /** Sources above it, this one's included. */
  readonly depth: number;
  /** The whole chain, flattened once, so that reading needs no source in memory. Oldest positions first. */
  readonly lineage: readonly Stretch[];
};

/** Where the position `seq` of a fork stands, when it is inherited. */
export function inheritedAt(head: StreamHead, seq: number): Stretch | undefined {
  const { fork } = head;
  if (fork === undefined || seq > fork.seq) return undefined;
  return fork.lineage.find(({ last }) => seq <= last);
}

/** The lineage of a fork that inherits `source` up to `seq`. */
export function lineageOf(source: StreamHead, seq: number): Stretch[] {
  const lineage: Stretch[] = [];
  for (const { streamNo, last } of source.fork?.lineage ?? []) {
    lineage.push({ streamNo, last: Math.min(last, seq) });
    if (last >= seq) return lineage;
  }
  lineage.push({ streamNo: source.streamNo, last: seq });
  return lineage;
}
