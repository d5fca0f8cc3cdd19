import { type Clock, exhausted } from '#kernel/base';
import type { Call } from '#kernel/http';
import { readComments } from '../queries/comments.ts';
import { readItems } from '../queries/items.ts';
import type { Change, Changes } from '../room/changes.ts';
import { sandboxLimits as limits } from '../room/limits.ts';
import type { SandboxRoom } from '../room/room.ts';
import { card, comment } from './parts.ts';

type Follower = { projectId: string; item: string | undefined; write(bytes: Uint8Array): void };
type Dirty = {
  projectId: string;
  itemIds: Map<string, 'item' | 'counts' | 'gone'>;
  comments: Map<string, string>;
  lost: boolean;
};

/**
 * Browsers that follow the pages. Changes of 400 ms are read once, made into markup once and sent to all who follow; more
 * than fit become one word: look again.
 */
export class Followers implements Disposable {
  readonly #db: SandboxRoom['db'];
  readonly #clock: Clock;
  readonly #logger: SandboxRoom['telemetry']['logger'];
  readonly #base: string;
  readonly #followers = new Set<Follower>();
  readonly #dirty = new Map<string, Dirty>();
  readonly #listening: Disposable;
  #timer: Disposable | undefined;

  constructor(room: Pick<SandboxRoom, 'db' | 'clock' | 'telemetry' | 'basePath'> & { changes: Changes }) {
    this.#db = room.db;
    this.#clock = room.clock;
    this.#logger = room.telemetry.logger;
    this.#base = room.basePath;
    this.#listening = room.changes.listen((change) => this.#note(change));
  }

  get open(): number {
    return this.#followers.size;
  }

  /** Serves one browser until it goes. `exhausted` `too_many_followers`. */
  async follow(call: Call, projectId: string, item: string | undefined): Promise<void> {
    if (this.#followers.size >= limits.followersMax)
      throw exhausted('too_many_followers', 'Too many browsers follow the gallery live.', { retryAfterMs: 30_000 });
    const stream = call.sse();
    const follower: Follower = { projectId, item, write: (bytes) => void stream.write(bytes) };
    this.#followers.add(follower);
    stream.send({ event: 'hello', data: '{}' });
    if (!stream.closed.aborted)
      await new Promise<void>((resolve) => stream.closed.addEventListener('abort', () => resolve(), { once: true }));
    this.#followers.delete(follower);
  }

  #note(change: Change): void {
    if (change.what === 'rules' || this.#followers.size === 0) return;
    const { projectId } = change;
    const dirty = this.#dirty.get(projectId) ?? { projectId, itemIds: new Map(), comments: new Map(), lost: false };
    this.#dirty.set(projectId, dirty);
    const full = dirty.itemIds.size + dirty.comments.size >= limits.liveItemsMax;
    if (change.what === 'all' || full) dirty.lost = true;
    else {
      const isKnown = dirty.itemIds.has(change.itemId);
      const what = change.what === 'comment' ? 'counts' : change.what;
      // A new item stays new whatever is done to it meanwhile; gone is gone.
      if (!isKnown || what === 'gone') dirty.itemIds.set(change.itemId, what);
      if (change.what === 'comment') dirty.comments.set(change.commentId, change.itemId);
    }
    this.#timer ??= this.#clock.after(limits.liveEveryMs, () => {
      this.#timer = undefined;
      void this.#tell();
    });
  }

  async #tell(): Promise<void> {
    const all = [...this.#dirty.values()];
    this.#dirty.clear();
    for (const dirty of all) {
      try {
        await this.#tellOne(dirty);
      } catch (error) {
        this.#logger.warn({ error }, 'news of the gallery could not be told to browsers');
      }
    }
  }

  async #tellOne({ projectId, itemIds, comments, lost }: Dirty): Promise<void> {
    if (lost) return this.#send(projectId, undefined, 'again', {});
    const now = this.#clock.now();
    const rows = await readItems(this.#db, projectId, [...itemIds.keys()]);
    const said = comments.size === 0 ? [] : await readComments(this.#db, [...comments.keys()]);
    for (const [id, what] of itemIds) if (what === 'gone') this.#send(projectId, id, 'gone', { id });
    // Oldest first, so that what is put on top ends in the right order.
    for (const row of rows.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime())) {
      if (itemIds.get(row.id) === 'item')
        this.#send(projectId, row.id, 'item', {
          id: row.id,
          by: row.isAgent ? 'bot' : 'person',
          html: card(this.#base, row, now).text,
        });
      else
        this.#send(projectId, row.id, 'counts', {
          id: row.id,
          likes: row.humanLikes + row.botLikes,
          humanLikes: row.humanLikes,
          botLikes: row.botLikes,
          comments: row.humanComments + row.botComments,
        });
    }
    for (const row of said)
      this.#send(
        projectId,
        row.itemId,
        'comment',
        { id: row.itemId, comment: row.id, html: comment(this.#base, row, now, null).text },
        true,
      );
  }

  /** `own`: for those who follow this item alone. */
  #send(projectId: string, itemId: string | undefined, event: string, data: unknown, own = false): void {
    let bytes: Uint8Array | undefined;
    for (const follower of this.#followers) {
      if (follower.projectId !== projectId) continue;
      if (itemId !== undefined && follower.item !== itemId && (own || follower.item !== undefined)) continue;
      bytes ??= new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      follower.write(bytes);
    }
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    this.#timer?.[Symbol.dispose]();
  }
}
