import type { PipelineJson } from '#gallery/images';
import {
  type Actor,
  type Comment,
  type FeedSort,
  type Item,
  type Target,
  type TargetRow,
  type WriteOptions,
} from '#gallery/model';
import { agentUuid } from './agent-uuid.ts';
import type { BreakerView } from './breaker.ts';
import { Caller, type CallerOptions } from './caller.ts';
import { checkTarget } from './checkup.ts';
import { dialectOf } from './dialects.ts';
import { type Executed, executePipeline, fetchImage } from './execute.ts';
import { ensureLiked, unlike } from './like.ts';
import { publish } from './publish.ts';
import { readOne, unlessGone } from './read-item.ts';
import { invitedShape, list, member, readAs, readComment, readItem, type UrlOf } from './shapes.ts';
import type { PublicationThere, Speaker } from './speaker.ts';

/** The port, and what only a gallery that draws for its bots is asked. */
export interface TargetClient extends Target {
  readonly row: TargetRow;
  /** As the registry keeps it for the target; `calm` gives it a fresh chance. */
  readonly breaker: { view(): BreakerView; calm(): void };
  publish(as: Actor, publication: PublicationThere, options: WriteOptions): Promise<Item>;
  /** Has the target run a pipeline; the picture is the one of its last save step. Costs there, so it is never repeated on a guess. */
  execute(as: Actor, pipeline: PipelineJson, options: WriteOptions): Promise<Executed>;
  imageBytes(imageId: string, signal: AbortSignal): Promise<Uint8Array>;
}

/**
 * The client of one gallery that keeps the FloImg contract (dialects `showcase` and `gallery-v0`), or is the sandbox. A closed
 * list of methods; each throws `TargetError` with exactly one fault, and `conflict` `target_not_acknowledged` when it would
 * change anything on a gallery nobody answers for.
 *
 * @example
 * const target = createTarget({ row, credentials, transport, lane, breaker, clock, random, metrics, userAgent, pngOf });
 * const items = await target.feed('recent', { limit: 40 }, signal);
 */
export function createTarget(options: Omit<CallerOptions, 'dialect'>): TargetClient {
  const { row, breaker } = options;
  const dialect = dialectOf(row.dialect);
  const caller = new Caller({ ...options, dialect });
  const absolute = (url: string): string => URL.parse(url, row.baseUrl)?.href ?? url;
  const base = row.baseUrl.replace(/\/+$/, '');
  const urlOf: UrlOf = ({ url, id }) => {
    if (url !== undefined) return absolute(url);
    return id === undefined ? null : `${base}/api/storage/images/${encodeURIComponent(id)}/content`;
  };
  const itemOf = (json: unknown): Item => readItem(json, urlOf);
  const speaker: Speaker = { caller, dialect, row, itemOf, pngOf: options.pngOf, absolute };
  return {
    id: row.id,
    row,
    breaker,
    capabilities: row.capabilities,
    feed: (sort, page, signal) => feed(speaker, sort, page, signal),
    item: (id, as, signal) => readOne(speaker, id, as, signal),
    thread: (itemId, page, signal) => thread(speaker, itemId, page, signal),
    itemsOf: (username, signal) => itemsOf(speaker, username, signal),
    publish: (as, publication, write) => publish(speaker, as, publication, write),
    comment: (as, itemId, content, write) => comment(speaker, as, itemId, content, write),
    ensureLiked: (as, itemId, write) => ensureLiked(speaker, as, itemId, write),
    unlike: (as, itemId, write) => unlike(speaker, as, itemId, write),
    execute: (as, pipeline, write) => executePipeline(speaker, as, pipeline, write),
    imageBytes: (imageId, signal) => fetchImage(speaker, imageId, signal),
    provision: (bot) => provision(speaker, bot),
    deprovision: (botId) => deprovision(speaker, botId),
    check: (signal) => checkTarget(speaker, options, signal),
  };
}

const feed = ({ caller, dialect, itemOf }: Speaker, sort: FeedSort, page: Page, signal: AbortSignal): Promise<Item[]> =>
  caller.call({
    route: 'feed',
    kind: 'read',
    method: 'GET',
    path: dialect.feed(sort, page.limit, page.offset ?? 0),
    signal,
    read: (json) => list(json, dialect.items, itemOf),
  });

type Page = { limit: number; offset?: number };

/** Whatever order the target has them in, oldest first. */
const thread = (
  { caller, dialect }: Speaker,
  itemId: string,
  page: Page,
  signal: AbortSignal,
): Promise<Comment[] | undefined> =>
  unlessGone(
    caller.call({
      route: 'thread',
      kind: 'read',
      method: 'GET',
      path: dialect.threadPath(itemId, page.limit, page.offset ?? 0),
      signal,
      mayBeGone: true,
      read: (json) => list(json, 'comments', readComment).toSorted((a, b) => a.createdAt - b.createdAt),
    }),
  );

/** None for somebody the target does not know. */
async function itemsOf({ caller, dialect, itemOf }: Speaker, username: string, signal: AbortSignal): Promise<Item[]> {
  const call = caller.call({
    route: 'items_of',
    kind: 'read',
    method: 'GET',
    path: dialect.itemsOfPath(username),
    signal,
    mayBeGone: true,
    read: (json) => list(json, dialect.showcase, itemOf),
  });
  return (await unlessGone(call)) ?? [];
}

const comment = (
  { caller, dialect }: Speaker,
  as: Actor,
  itemId: string,
  content: string,
  { key, signal, may }: WriteOptions,
): Promise<Comment> =>
  caller.call({
    route: 'comment',
    kind: 'write',
    method: 'POST',
    path: dialect.commentPath(itemId),
    body: { content },
    as,
    key,
    signal,
    may,
    mayBeGone: true,
    read: (json) => readComment(member(json, 'comment')),
  });

/** Repeatable: the same account comes back. `isAgent` is not a parameter of anything. */
async function provision(
  { caller, row }: Speaker,
  { botId, name, username, bio, personaId }: Parameters<Target['provision']>[0],
): Promise<{ userId: string }> {
  return await caller.call({
    route: 'invite',
    kind: 'prepare',
    method: 'POST',
    path: '/api/admin/users/invite',
    body: {
      agentId: agentUuid(botId),
      name,
      username,
      isAgent: true,
      agentPersonaId: personaId ?? undefined,
      // The contract has no place for it; the sandbox shows it on the profile.
      bio: row.kind === 'sandbox' ? bio : undefined,
    },
    signal: new AbortController().signal,
    read: (json) => ({ userId: readAs(invitedShape, json, 'the account').id }),
  });
}

async function deprovision({ caller }: Speaker, botId: string): Promise<void> {
  await unlessGone(
    caller.call({
      route: 'remove',
      kind: 'prepare',
      method: 'DELETE',
      path: `/api/admin/users/${agentUuid(botId)}`,
      signal: new AbortController().signal,
      mayBeGone: true,
      read: () => true,
    }),
  );
}
