import { z } from 'zod';
import type { FrameCall, Opened, Subscription, SubscriptionType } from '#kernel/http';
import type { Gap, Sink, Tail } from '#kernel/log';
import { unknownStream } from '../access.ts';
import { checkPath, parseFrom } from '../address.ts';
import type { Room } from '../room.ts';
import { renamer } from './renamed.ts';

const fields = z.strictObject({
  stream: z.string(),
  after: z.string(),
  sub: z.string().optional(),
  view: z.literal('compact').optional(),
  onGap: z.literal('continue').optional(),
});
type SubFrame = z.output<typeof fields>;

/** `sub`: everything of a stream behind an offset, then what comes, until it ends or `unsub`. */
export const followFrame = (room: Room): SubscriptionType<typeof fields> => ({
  t: 'sub',
  of: 'stream',
  summary: 'Follows a stream from an offset on',
  fields,
  name: ({ stream, sub }) => sub ?? stream,
  open: (call, subscription) => followStream(room, call, subscription),
});

async function followStream(
  { log, access, liveReads }: Room,
  { frame, who }: FrameCall<SubFrame>,
  subscription: Subscription,
): Promise<Opened> {
  const path = checkPath(frame.stream);
  const from = parseFrom(frame.after);
  const { key, view } = await access.requireRead(who, path);
  const head = await log.head(key);
  if (!head) throw unknownStream(path);
  using counted = new DisposableStack();
  counted.use(liveReads.open(who));
  const sink = new SocketSink(subscription, key.path, frame.onGap ?? 'stop');
  // `now` is the tail the client is told of, so that the first batch begins where the answer ended.
  const start = from === 'now' ? head.tail : from;
  const tail = await log.tail(key, start, sink, frame.view === 'compact' && view === 'raw' ? 'compact' : view);
  sink.follows(tail);
  const held = counted.move();
  return {
    ok: { stream: path, contentType: head.contentType, next: head.tail, closed: head.closed },
    end: () => {
      tail[Symbol.dispose]();
      held[Symbol.dispose]();
    },
    drained: () => tail.drained(),
    renewed: async (now) => {
      await access.requireRead(now, path);
    },
  };
}

/** Writes a tail into a subscription. */
class SocketSink implements Sink {
  readonly form = 'socket';
  readonly #subscription: Subscription;
  readonly #named: ((shared: readonly Uint8Array[]) => readonly Uint8Array[]) | undefined;
  readonly #onGap: 'stop' | 'continue';
  #tail: Tail | undefined;
  #wasLive = false;

  constructor(subscription: Subscription, path: string, onGap: 'stop' | 'continue') {
    this.#subscription = subscription;
    this.#named = subscription.name === path ? undefined : renamer(path, subscription.name);
    this.#onGap = onGap;
  }

  follows(tail: Tail): void {
    this.#tail = tail;
  }

  get left(): number {
    return this.#subscription.left;
  }

  write(shared: readonly Uint8Array[]): number {
    const live = this.#tail?.mode === 'live';
    // History that is read faster than it is taken is no news; a live reader that has to be served from the log again is.
    if (this.#wasLive && !live) this.#subscription.send('slow', { waitingBytes: this.#subscription.write([]) });
    this.#wasLive = live;
    return this.#subscription.write(this.#named && shared.length > 0 ? this.#named(shared) : shared);
  }

  gap({ from, earliest, lost, reason }: Gap): 'stop' | 'continue' {
    this.#subscription.send('gap', { from, earliest, lost, reason });
    if (this.#onGap === 'continue') return 'continue';
    this.#gone('gap');
    return 'stop';
  }

  end(why: Parameters<Sink['end']>[0]): void {
    if (why === 'slow') this.#subscription.tooSlow();
    // Its last frame said so.
    else if (why === 'closed') this.#subscription.end();
    else this.#gone(why);
  }

  #gone(reason: string): void {
    this.#subscription.send('gone', { reason });
    this.#subscription.end();
  }
}
