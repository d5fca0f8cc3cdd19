import { type Clock, exhausted } from '#kernel/base';
import type { LogEvents } from './events.ts';
import { Follower } from './follower.ts';
import { type Delivery, forms } from './forms.ts';
import { FrameView } from './frame.ts';
import type { StreamHead } from './head.ts';
import type { LogLimits } from './limits.ts';
import type { From, Gauges, Sink, View } from './log.ts';
import { gapError, messagesBehind } from './pages.ts';
import { standingOf } from './positions.ts';
import type { Reader, StoredFrame } from './reader.ts';
import type { Tape } from './tape.ts';
import { shows, showsAll } from './views.ts';

type Fresh = { firstSeq: number; count: number; lsn: number };

/** The followers of one stream, and what was committed since they were last written to. */
export type StreamFan = {
  readonly head: StreamHead;
  readonly followers: Set<Follower>;
  fresh: Fresh[];
  scheduled: boolean;
};

/**
 * Live delivery. Commits are collected per stream; once per turn of the event loop each (view, form) is encoded once, and
 * each live follower gets those shared bytes in one write.
 */
export class FanOut {
  readonly reader: Reader;
  readonly pageSize: { bytes: number; messages: number };
  readonly bufferBytes: number;
  readonly #tape: Tape;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #fans = new Set<StreamFan>();
  #due: StreamFan[] = [];
  readonly #slow = new Set<Follower>();
  #looking: Disposable | undefined;
  #followers = 0;

  constructor(parts: { reader: Reader; tape: Tape; clock: Clock; limits: LogLimits; events: LogEvents }) {
    this.reader = parts.reader;
    this.#tape = parts.tape;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.bufferBytes = parts.limits.followerBufferBytes;
    this.pageSize = { bytes: parts.limits.pageBytesMax / 4, messages: parts.limits.pageMessagesMax };
  }

  get followers(): number {
    return this.#followers;
  }

  /** How many there are of each kind. */
  kinds(): Gauges['followersBy'] {
    const counts = new Map<string, Gauges['followersBy'][number] & { count: number }>();
    for (const { followers } of this.#fans) {
      for (const { sink, mode } of followers) {
        if (mode === 'ended') continue;
        const kind = counts.get(`${sink.form} ${mode}`);
        if (kind) kind.count += 1;
        else counts.set(`${sink.form} ${mode}`, { form: sink.form, mode, count: 1 });
      }
    }
    return [...counts.values()];
  }

  nowMs(): number {
    return this.#clock.now();
  }

  monotonicMs(): number {
    return this.#clock.monotonic();
  }

  encode(form: Sink['form'], delivery: Delivery): readonly Uint8Array[] {
    return forms[form](delivery);
  }

  /** A gap right at the start is the sink's to judge, like one met later. */
  follow(head: StreamHead, from: From, sink: Sink, view: View): Follower {
    const fan: StreamFan = head.fan ?? { head, followers: new Set(), fresh: [], scheduled: false };
    if (fan.followers.size >= this.#limits.followersPerStreamMax || this.#followers >= this.#limits.followersMax) {
      throw exhausted('followers_max', 'This stream has as many live readers as the server allows.', {
        retryAfterMs: 5000,
      });
    }
    const standing = standingOf(head, from);
    if (standing.gap) {
      this.#events.gap(standing.gap.reason);
      if (sink.gap(standing.gap) === 'stop') throw gapError(standing.gap);
    }
    const follower = new Follower(this, fan, sink, view, standing.seq);
    head.fan = fan;
    fan.followers.add(follower);
    this.#fans.add(fan);
    this.#followers += 1;
    follower.replay();
    return follower;
  }

  left(fan: StreamFan, follower: Follower): void {
    if (!fan.followers.delete(follower)) return;
    this.#followers -= 1;
    this.#slow.delete(follower);
    if (fan.followers.size > 0) return;
    this.#fans.delete(fan);
    if (fan.head.fan === fan) fan.head.fan = undefined;
  }

  /** A frame of a followed stream became durable. */
  moved(fan: StreamFan, firstSeq: number, count: number, lsn: number): void {
    if (count > 0) fan.fresh.push({ firstSeq, count, lsn });
    this.#schedule(fan);
  }

  /** A followed stream closed, left, or lost its beginning. */
  changed(fan: StreamFan): void {
    this.#schedule(fan);
  }

  #schedule(fan: StreamFan): void {
    if (fan.scheduled) return;
    fan.scheduled = true;
    this.#due.push(fan);
    if (this.#due.length === 1) setImmediate(this.#tick);
  }

  readonly #tick = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const fan of due) {
      fan.scheduled = false;
      this.#deliver(fan);
    }
  };

  #deliver(fan: StreamFan): void {
    const { head } = fan;
    const fresh = fan.fresh;
    fan.fresh = [];
    const { gone } = head;
    if (gone) {
      for (const follower of fan.followers) follower.end(gone);
      return;
    }
    const first = fresh[0];
    const frames = this.#frames(fresh);
    if (frames === undefined) {
      for (const follower of fan.followers) if (follower.live) follower.replay();
      return;
    }
    const shared = new Map<View, Map<Sink['form'], readonly Uint8Array[]>>();
    const from = first === undefined ? head.tail : first.firstSeq - 1;
    let reached = 0;
    for (const follower of fan.followers) {
      if (!follower.live) continue;
      if (first !== undefined) {
        follower.take(first.firstSeq, head.tail, this.#encoded(shared, fan, follower, frames, from));
        reached += 1;
      } else if (head.closed && follower.cursor === head.tail) {
        follower.push(this.#encoded(shared, fan, follower, [], from));
      }
      follower.settle();
    }
    if (reached > 0) this.#events.delivered(reached, frames.length);
  }

  /** Copies of the fresh frames; `undefined` when memory has moved on or positions are left out, so that followers must read. */
  #frames(fresh: readonly Fresh[]): StoredFrame[] | undefined {
    const frames: StoredFrame[] = [];
    let next = fresh[0]?.firstSeq;
    for (const { firstSeq, count, lsn } of fresh) {
      const chunk = this.#tape.find(lsn);
      if (!chunk || firstSeq !== next) return undefined;
      next = firstSeq + count;
      frames.push(this.reader.copy(new FrameView(chunk.memory).look(lsn - chunk.lsn)));
    }
    return frames;
  }

  #encoded(
    shared: Map<View, Map<Sink['form'], readonly Uint8Array[]>>,
    fan: StreamFan,
    follower: Follower,
    frames: readonly StoredFrame[],
    from: number,
  ): readonly Uint8Array[] {
    const { view } = follower;
    let byForm = shared.get(view);
    if (!byForm) {
      byForm = new Map();
      shared.set(view, byForm);
    }
    const { form } = follower.sink;
    const known = byForm.get(form);
    if (known) return known;
    const { head } = fan;
    const messages: Uint8Array[] = [];
    if (showsAll(head, view)) for (const frame of frames) messages.push(...frame.messages);
    else
      for (const message of messagesBehind(frames, from)) if (shows(head, view, message)) messages.push(message.bytes);
    const nothing = messages.length === 0 && !head.closed;
    const bytes = nothing
      ? []
      : this.encode(form, {
          head,
          phase: 'live',
          from: head.offset(from),
          next: head.offset(head.tail),
          upToDate: true,
          closed: head.closed,
          messages,
          nowMs: this.nowMs(),
        });
    byForm.set(form, bytes);
    return bytes;
  }

  slowed(follower: Follower): void {
    this.#slow.add(follower);
    this.#lookLater();
  }

  lookAt(follower: Follower): void {
    // Off the list first: looking starts a replay, whose first page may find the socket full and put it back.
    this.#slow.delete(follower);
    if (!follower.look(this.#limits.followerStuckMs)) this.#slow.add(follower);
  }

  #lookLater(): void {
    this.#looking ??= this.#clock.after(this.#limits.followerLookEveryMs, () => {
      this.#looking = undefined;
      for (const follower of Array.from(this.#slow)) this.lookAt(follower);
      if (this.#slow.size > 0) this.#lookLater();
    });
  }

  slowEnded(): void {
    this.#events.slowEnded();
  }

  gapMet(reason: string): void {
    this.#events.gap(reason);
  }

  /** History could not be read. The reader comes back with its cursor; here it would only wait. */
  replayFailed(follower: Follower, error: Error): void {
    this.#events.backgroundFailed('reading history for a follower', error);
    follower.end('moved');
  }

  /** Ends every tail; each resumes elsewhere, or later, at its own cursor. */
  drain(): void {
    for (const fan of this.#fans) for (const follower of fan.followers) follower.end('draining');
    this.#looking?.[Symbol.dispose]();
  }
}
