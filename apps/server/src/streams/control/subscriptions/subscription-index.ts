import { pathMatcher } from '@muster/protocol';
import type { StreamKey } from '#kernel/log';
import { subscriptionLimits } from './limits.ts';

type Pattern = { no: number; wakeStream: string | null; matches: (path: string) => boolean };
type Entry = { projectId: string; bucket: string; linked: Set<string> };

/** What one project watches. */
class Watched {
  /** By the first segment when that is plain text; the others under `*`. */
  readonly patterns = new Map<string, Pattern[]>();
  /** Linked by name: how many subscriptions, by path. */
  readonly linked = new Map<string, number>();
}

/**
 * Who may want to know of an append, answered from memory for every append of the server: no row is read for streams that
 * nobody watches. It may say yes too often, never no too seldom; the rows decide. What was made on other nodes comes by
 * hints, and a job settles what was appended in between.
 */
export class SubscriptionIndex {
  readonly #projects = new Map<string, Watched>();
  readonly #byNo = new Map<number, Entry>();
  readonly #isManaged: (firstSegment: string) => boolean;
  /** Streams seen lately, with their answer; forgotten when anything changes. */
  readonly #known = new Map<string, boolean>();

  /** `isManaged`: prefixes of rooms, which a pattern must name to see. */
  constructor(isManaged: (firstSegment: string) => boolean) {
    this.#isManaged = isManaged;
  }

  get size(): number {
    return this.#byNo.size;
  }

  /** A subscription as its rows say; whatever was known of it is replaced. */
  put(
    no: number,
    input: { projectId: string; pattern: string | null; wakeStream: string | null; linked: Iterable<string> },
  ): void {
    this.remove(no);
    const { projectId, pattern, wakeStream, linked } = input;
    const first = pattern?.split('/', 1)[0] ?? '';
    const bucket = first.includes('*') ? '*' : first;
    this.#byNo.set(no, { projectId, bucket, linked: new Set() });
    this.link(no, linked);
    if (pattern === null) return;
    const { patterns } = this.#watched(projectId);
    const entry = { no, wakeStream, matches: pathMatcher([pattern]) };
    const same = patterns.get(bucket);
    if (same) same.push(entry);
    else patterns.set(bucket, [entry]);
  }

  remove(no: number): void {
    this.#known.clear();
    const entry = this.#byNo.get(no);
    if (!entry) return;
    this.unlink(no, [...entry.linked]);
    this.#byNo.delete(no);
    const { patterns, linked } = this.#watched(entry.projectId);
    const left = patterns.get(entry.bucket)?.filter((pattern) => pattern.no !== no) ?? [];
    if (left.length > 0) patterns.set(entry.bucket, left);
    else patterns.delete(entry.bucket);
    if (patterns.size === 0 && linked.size === 0) this.#projects.delete(entry.projectId);
  }

  /** Subscriptions that are not among these are gone. */
  keepOnly(nos: ReadonlySet<number>): void {
    for (const no of this.#byNo.keys()) if (!nos.has(no)) this.remove(no);
  }

  link(no: number, paths: Iterable<string>): void {
    this.#known.clear();
    const entry = this.#byNo.get(no);
    if (!entry) return;
    for (const path of paths) {
      if (entry.linked.has(path)) continue;
      entry.linked.add(path);
      const { linked } = this.#watched(entry.projectId);
      linked.set(path, (linked.get(path) ?? 0) + 1);
    }
  }

  unlink(no: number, paths: Iterable<string>): void {
    this.#known.clear();
    const entry = this.#byNo.get(no);
    if (!entry) return;
    for (const path of paths) {
      if (!entry.linked.delete(path)) continue;
      const { linked } = this.#watched(entry.projectId);
      const left = (linked.get(path) ?? 0) - 1;
      if (left > 0) linked.set(path, left);
      else linked.delete(path);
    }
  }

  /** Whether any subscription may want to know of this stream. */
  wants({ projectId, path }: StreamKey): boolean {
    const watched = this.#projects.get(projectId);
    if (!watched) return false;
    const name = `${projectId}/${path}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const answer = watched.linked.has(path) || this.patternsOf({ projectId, path }).length > 0;
    if (this.#known.size >= subscriptionLimits.knownPathsMax) this.#known.clear();
    this.#known.set(name, answer);
    return answer;
  }

  /** Subscriptions whose pattern has this stream in it. A wake stream never wakes those who write to it. */
  patternsOf({ projectId, path }: StreamKey): number[] {
    const patterns = this.#projects.get(projectId)?.patterns;
    if (!patterns) return [];
    const first = path.split('/', 1)[0] ?? '';
    const wide = this.#isManaged(first) ? [] : (patterns.get('*') ?? []);
    return [...(patterns.get(first) ?? []), ...wide]
      .filter(({ matches, wakeStream }) => wakeStream !== path && matches(path))
      .map(({ no }) => no);
  }

  #watched(projectId: string): Watched {
    let watched = this.#projects.get(projectId);
    if (!watched) {
      watched = new Watched();
      this.#projects.set(projectId, watched);
    }
    return watched;
  }
}
