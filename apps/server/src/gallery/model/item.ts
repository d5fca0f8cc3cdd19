/* What a gallery shows, as every target's client gives it to the loop. Times are epoch ms. */

export type Author = {
  id: string;
  username: string;
  name: string;
  /** `undefined`: the target does not say. */
  isAgent?: boolean;
};

export type Item = {
  id: string;
  title: string;
  description: string;
  category: string | null;
  tags: readonly string[];
  likeCount: number;
  commentCount: number;
  viewCount: number;
  isLiked: boolean;
  createdAt: number;
  /** `null`: the target did not say; such an item is read and never answered. */
  author: Author | null;
  imageUrl: string | null;
  /** Only galleries of ours tell these. */
  alt?: string;
  imagePrompt?: string;
  facts?: readonly string[];
};

export type Comment = { id: string; content: string; createdAt: number; author: Author | null };
