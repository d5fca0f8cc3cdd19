import type { Scope } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import type { StreamKey, View } from '#kernel/log';

/** What a room shows at a path of its own: a stream of the log, whole or through a view of it. */
export type Shown = { key: StreamKey; view?: View };

/**
 * A room whose streams anybody with the right may read here. It appends through `kernel/log` by itself; nobody else writes
 * below its prefix.
 */
export type StreamRoom = {
  /** First segment of all its paths. */
  readonly prefix: string;
  /** What a key needs to read there. */
  readonly scope: Scope;
  /**
   * The stream at this path, brought up to date, when `who` may read it; `undefined` when the room has no such path. Throws
   * what speaks against it (401, 403, 404).
   */
  mayRead(who: Principal, segments: readonly string[]): Promise<Shown | undefined>;
};

/** First segments that belong to rooms, also to those that are not built in here. */
const reserved = ['builds', 'conversations', 'inboxes', 'meetings', 'gallery', 'projects'];

/** Which room a path belongs to. */
export class Rooms {
  readonly #rooms = new Map<string, StreamRoom | undefined>(reserved.map((prefix) => [prefix, undefined]));

  constructor(rooms: readonly StreamRoom[]) {
    for (const room of rooms) this.#rooms.set(room.prefix, room);
  }

  /** Whether only a room may write there. */
  manages(path: string): boolean {
    return this.#rooms.has(firstOf(path));
  }

  /** What reading below this first segment takes; `undefined`: it belongs to no room. */
  scopeOf(first: string): Scope | undefined {
    if (!this.#rooms.has(first)) return undefined;
    return this.#rooms.get(first)?.scope ?? 'accounts:admin';
  }

  roomAt(path: string): StreamRoom | undefined {
    return this.#rooms.get(firstOf(path));
  }
}

function firstOf(path: string): string {
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(0, slash);
}
