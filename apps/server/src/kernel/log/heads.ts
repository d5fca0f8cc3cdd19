import { exhausted, type MusterError } from '#kernel/base';
import { Deadlines } from './deadlines.ts';
import type { Cause, StreamHead } from './head.ts';
import type { LogLimits } from './limits.ts';
import type { StreamKey } from './log.ts';
import type { Store } from './store.ts';
import { StreamCounts } from './stream-counts.ts';

/** A row that is being read. */
type Loading = { done: Promise<'present' | 'absent'> };

/** Heads looked at before giving up the search for one that may leave. */
const looksMax = 1000;

/**
 * All heads in memory, by path and by number. A stream may be absent only when all its frames have reached Postgres, so
 * its row, read now, is exact; one load per path runs at a time, and nothing else can bring an absent head in.
 *
 * The newest head at a path is what checks see. While its creation is not durable, its `predecessor` is what readers see.
 */
export class Heads {
  readonly #limits: LogLimits;
  readonly #store: Store | undefined;
  readonly #byPath = new Map<string, Map<string, StreamHead>>();
  /** Most look-ups are of the project of the one before. Forgotten whenever a project's map comes or goes. */
  #lastProject: string | undefined;
  #lastPaths: Map<string, StreamHead> | undefined;
  readonly #byNo = new Map<number, StreamHead>();
  /** Greatest era of paths whose stream was removed; such a path holds no live stream. */
  readonly #tombstones = new Map<string, number>();
  readonly #loading = new Map<string, Loading>();
  /** Of those that will end. */
  readonly deadlines = new Deadlines();
  /** Of all streams there are, in memory or not. */
  readonly counts = new StreamCounts();
  /** Refs whose fork is not there yet: parent → fork → since. Left over only when a process died between the two. */
  readonly expectedForks = new Map<number, Map<number, number>>();
  /** Removed, but the removal has not reached its row. */
  #departing: StreamHead[] = [];
  /** Told when no head may leave although one should. */
  crowded: () => void = () => undefined;
  #flushedTo = 0;

  constructor(limits: LogLimits, store: Store | undefined) {
    this.#limits = limits;
    this.#store = store;
  }

  get size(): number {
    return this.#byNo.size;
  }

  get flushedTo(): number {
    return this.#flushedTo;
  }

  all(): Iterable<StreamHead> {
    return this.#byNo.values();
  }

  /** The newest stream at a path, for checks. */
  at(key: StreamKey): StreamHead | undefined {
    if (key.projectId !== this.#lastProject) {
      this.#lastPaths = this.#byPath.get(key.projectId);
      this.#lastProject = key.projectId;
    }
    const head = this.#lastPaths?.get(key.path);
    if (head !== undefined) head.used = true;
    return head;
  }

  /** The stream at a path as readers see it. */
  visibleAt(key: StreamKey): StreamHead | undefined {
    let head = this.at(key);
    while (head && !head.visible) head = head.predecessor;
    return head?.removed ? undefined : head;
  }

  /** What readers see of a project, in no order. */
  *visibleIn(projectId: string): Iterable<StreamHead> {
    for (const newest of this.#byPath.get(projectId)?.values() ?? []) {
      let head: StreamHead | undefined = newest;
      while (head && !head.visible) head = head.predecessor;
      if (head && !head.removed) yield head;
    }
  }

  byNo(streamNo: number): StreamHead | undefined {
    return this.#byNo.get(streamNo);
  }

  /** The greatest era a removed stream at this path had, when memory knows. */
  tombstone(key: StreamKey): number | undefined {
    return this.#tombstones.get(nameOf(key));
  }

  /** A stream that was not there before. */
  born(head: StreamHead): void {
    this.insert(head);
    this.counts.add(head.key.projectId, 1);
  }

  insert(head: StreamHead): void {
    const { projectId, path } = head.key;
    let paths = this.#byPath.get(projectId);
    if (!paths) {
      paths = new Map();
      this.#byPath.set(projectId, paths);
      this.#lastProject = undefined;
    }
    head.predecessor = paths.get(path);
    paths.set(path, head);
    this.#byNo.set(head.streamNo, head);
    this.#tombstones.delete(nameOf(head.key));
    // A row that is being read for this path may be from before it: nobody else joins that read, and it says nothing.
    this.#loading.delete(nameOf(head.key));
    this.deadlines.track(head);
    if (head.refs !== undefined) this.#dropGoneForks(head);
  }

  /** Its creation is durable. */
  shown(head: StreamHead): void {
    head.visible = true;
    head.predecessor = undefined;
  }

  /** A ref to a fork that is about to be created. */
  expectFork(parent: StreamHead, streamNo: number, since: number): void {
    parent.refs ??= new Map();
    parent.refs.set(streamNo, since);
    const expected = this.expectedForks.get(parent.streamNo);
    if (expected) expected.set(streamNo, since);
    else this.expectedForks.set(parent.streamNo, new Map([[streamNo, since]]));
  }

  /** The fork is there. */
  forked(of: number, streamNo: number, since: number): void {
    this.forgetExpected(of, streamNo);
    const parent = this.#byNo.get(of);
    if (parent === undefined) return;
    parent.refs ??= new Map();
    parent.refs.set(streamNo, since);
  }

  forgetExpected(of: number, streamNo: number): void {
    const expected = this.expectedForks.get(of);
    if (expected?.delete(streamNo) && expected.size === 0) this.expectedForks.delete(of);
  }

  /** Its removal is durable, and it stays, hidden, for its forks. */
  hide(head: StreamHead, cause: Cause): void {
    head.kept = cause;
    head.removing = true;
    head.keeping = true;
    head.ending = cause;
    head.deadline = Number.POSITIVE_INFINITY;
    this.deadlines.drop(head);
  }

  /** Its removal is durable. */
  gone(head: StreamHead, cause: Cause): void {
    head.removed = cause;
    head.frames = undefined;
    this.counts.add(head.key.projectId, -1);
    this.deadlines.drop(head);
    if (head.fork) this.#byNo.get(head.fork.of)?.refs?.delete(head.streamNo);
    const paths = this.#byPath.get(head.key.projectId);
    if (paths?.get(head.key.path) === head) {
      paths.delete(head.key.path);
      if (paths.size === 0) this.#dropProject(head.key.projectId);
      this.#bury(nameOf(head.key), head.era);
    }
    this.#departing.push(head);
  }

  /** Brings a stream into memory by its number, when it lives or is kept. */
  async loadNo(streamNo: number): Promise<StreamHead | undefined> {
    while (!this.#byNo.has(streamNo) && this.#store) {
      const key = await this.#store.keyOf(streamNo);
      if (!key || (await this.load(key)) !== 'present') break;
      // Another stream is there by now, or this one has left again.
      if (this.at(key)) break;
    }
    return this.#byNo.get(streamNo);
  }

  /**
   * Brings what is at a path into memory: a live stream or the memory of a removed one. Whoever awaits this looks again
   * with `at` before anything else, and starts over when the answer was `present` but the stream has left meanwhile:
   *
   *     while (!(head = heads.at(key)) && (await heads.load(key)) === 'present');
   */
  async load(key: StreamKey): Promise<'present' | 'absent'> {
    if (!this.#store || this.tombstone(key) !== undefined) return 'absent';
    const name = nameOf(key);
    const known = this.#loading.get(name);
    if (known) return known.done;
    const loading: Loading = { done: Promise.resolve('absent') };
    this.#loading.set(name, loading);
    loading.done = this.#load(this.#store, key, name, loading).finally(() => {
      if (this.#loading.get(name) === loading) this.#loading.delete(name);
    });
    return loading.done;
  }

  async #load(store: Store, key: StreamKey, name: string, own: Loading): Promise<'present' | 'absent'> {
    let asOf = this.#flushedTo;
    let found = await store.at(key.projectId, key.path);
    // Forks that were removed while their source was read would stay its forks for ever: its row is read at one moment.
    while (found.kind === 'live' && found.head.refs && asOf !== this.#flushedTo) {
      asOf = this.#flushedTo;
      found = await store.at(key.projectId, key.path);
    }
    // Born meanwhile, and perhaps gone to rest again: whoever waits looks anew.
    if (this.at(key) || this.#loading.get(name) !== own) return 'present';
    if (found.kind === 'tombstone') this.#bury(name, found.era);
    if (found.kind !== 'live' || this.#byNo.has(found.head.streamNo)) return 'absent';
    const full = this.makeRoom();
    if (full) throw full;
    this.insert(found.head);
    return 'present';
  }

  /** Rows lag behind: forks whose removal has not reached them are none any more. */
  #dropGoneForks(head: StreamHead): void {
    for (const streamNo of head.refs?.keys() ?? []) if (this.#byNo.get(streamNo)?.removed) head.refs?.delete(streamNo);
  }

  /** Everything below this lsn has reached Postgres. */
  flushed(to: number): void {
    this.#flushedTo = to;
    if (this.#departing.length === 0) return;
    this.#departing = this.#departing.filter((head) => {
      if (head.lastLsn >= to) return true;
      this.#byNo.delete(head.streamNo);
      return false;
    });
  }

  /** Room for one more, or why there is none: clean heads that nobody follows leave, least recently used first. */
  makeRoom(): MusterError | undefined {
    if (this.#byNo.size < this.#limits.headsMax) return undefined;
    let looks = 0;
    let leaving: StreamHead | undefined;
    for (const [streamNo, head] of this.#byNo) {
      if (looks++ >= looksMax) break;
      const mayLeave = this.#mayLeave(head);
      if (mayLeave) leaving ??= head;
      if (mayLeave && !head.used) {
        leaving = head;
        break;
      }
      // A second chance: unmarked, and to the end of the line.
      head.used = false;
      this.#byNo.delete(streamNo);
      this.#byNo.set(streamNo, head);
    }
    if (leaving) {
      this.#forget(leaving);
      return undefined;
    }
    this.crowded();
    return exhausted(
      'streams_open_max',
      `At most ${this.#limits.headsMax} streams are open at once, and none of them can rest.`,
      {
        retryAfterMs: 1000,
      },
    );
  }

  #mayLeave(head: StreamHead): boolean {
    return (
      this.#store !== undefined &&
      head.visible &&
      (!head.removing || head.kept !== undefined) &&
      head.lastLsn < this.#flushedTo &&
      head.fan === undefined &&
      !head.trimming &&
      head.holds === 0 &&
      // Its uses are written down, and its end is not what waits to be.
      head.deadline <= head.storedDeadline &&
      head.deadline !== Number.NEGATIVE_INFINITY &&
      !this.expectedForks.has(head.streamNo) &&
      this.#byPath.get(head.key.projectId)?.get(head.key.path) === head
    );
  }

  #forget(head: StreamHead): void {
    this.#byNo.delete(head.streamNo);
    this.deadlines.drop(head);
    const paths = this.#byPath.get(head.key.projectId);
    paths?.delete(head.key.path);
    if (paths?.size === 0) this.#dropProject(head.key.projectId);
  }

  #dropProject(projectId: string): void {
    this.#byPath.delete(projectId);
    this.#lastProject = undefined;
  }

  #bury(name: string, era: number): void {
    if (this.#tombstones.size >= this.#limits.tombstonesInMemoryMax && this.#store) {
      for (const oldest of this.#tombstones.keys()) {
        this.#tombstones.delete(oldest);
        break;
      }
    }
    this.#tombstones.set(name, era);
  }
}

const nameOf = (key: StreamKey): string => `${key.projectId}\0${key.path}`;
