import type { BotCaps, DesiredState, GalleryBotState, ProvisionState, Traits } from '@muster/protocol';
import type { BotRow } from '#gallery/model';
import { sql } from '#kernel/db';

export type RawBot = Omit<BotRow, 'counts' | 'sleepUntil' | 'retryAt' | 'nextThinkAt' | 'createdAt'> & {
  traits: Partial<Traits>;
  caps: BotCaps | null;
  desired: DesiredState;
  state: GalleryBotState;
  provision: ProvisionState;
  sleepUntil: Date | null;
  retryAt: Date | null;
  nextThinkAt: Date | null;
  createdAt: Date;
  posts: number;
  comments: number;
  replies: number;
  likes: number;
  browses: number;
};

/** Of `gallery_bots b`. */
export const botColumns = sql`
  b.id, b.project_id as "projectId", b.shard, b.name, b.username, b.target_id as "targetId", b.persona_id as "personaId",
  b.disclosure_label as "disclosureLabel", b.traits, b.caps, b.seed, b.desired, b.state, b.reason,
  b.sleep_until as "sleepUntil", b.retry_at as "retryAt", b.failures, b.next_think_at as "nextThinkAt",
  b.think_no as "thinkNo", b.generation, b.provision, b.posts, b.comments, b.replies, b.likes, b.browses,
  b.created_at as "createdAt"`;

export function botOf({ posts, comments, replies, likes, browses, ...raw }: RawBot): BotRow {
  return {
    ...raw,
    sleepUntil: raw.sleepUntil?.getTime() ?? null,
    retryAt: raw.retryAt?.getTime() ?? null,
    nextThinkAt: raw.nextThinkAt?.getTime() ?? null,
    createdAt: raw.createdAt.getTime(),
    counts: { post: posts, comment: comments, reply: replies, like: likes, browse: browses },
  };
}
