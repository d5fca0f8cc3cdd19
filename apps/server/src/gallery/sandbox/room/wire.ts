import type { AccountRow, AccountStats } from '../queries/accounts.ts';
import type { CommentRow } from '../queries/comments.ts';
import type { ItemRow } from '../queries/items.ts';

/* Rows as the contract says them. */

type WireUser = { id: string; username: string; name: string; isAgent: boolean };
export type WireItem = Record<string, unknown> & { id: string; isLiked: boolean };

const userOf = (row: { accountId: string; username: string; name: string; isAgent: boolean }): WireUser => ({
  id: row.accountId,
  username: row.username,
  name: row.name,
  isAgent: row.isAgent,
});

/** An item without its picture and without what only its pages say. */
export type ShownItem = Omit<ItemRow, 'projectId' | 'form' | 'sha256' | 'width' | 'height' | 'quiet'>;

export const wireItem = (row: ShownItem, isLiked: boolean): WireItem => ({
  id: row.id,
  title: row.title,
  description: row.description,
  category: row.category,
  tags: row.tags,
  likeCount: row.humanLikes + row.botLikes,
  humanLikeCount: row.humanLikes,
  botLikeCount: row.botLikes,
  commentCount: row.humanComments + row.botComments,
  viewCount: row.humanViews,
  isLiked,
  createdAt: row.createdAt.toISOString(),
  workflowId: row.workflowId,
  workflowShared: false,
  image: { id: row.imageId },
  user: userOf(row),
  alt: row.alt,
  imagePrompt: row.imagePrompt,
  facts: row.facts,
});

export const wireComment = (row: CommentRow): Record<string, unknown> => ({
  id: row.id,
  content: row.content,
  createdAt: row.createdAt.toISOString(),
  user: { ...userOf(row), avatarUrl: null },
});

export const wireAccount = (row: AccountRow, stats: AccountStats): Record<string, unknown> => ({
  user: {
    id: row.id,
    username: row.username,
    name: row.name,
    bio: row.bio,
    avatarUrl: null,
    isAgent: row.isAgent,
    createdAt: row.createdAt.toISOString(),
  },
  stats: {
    showcaseCount: stats.items,
    commentCount: stats.comments,
    likesReceived: stats.humanLikes + stats.botLikes,
    humanLikesReceived: stats.humanLikes,
    botLikesReceived: stats.botLikes,
  },
});
