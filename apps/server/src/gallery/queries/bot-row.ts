import type { BotCaps, BotCounts, DesiredState, GalleryBotState, ProvisionState, Traits } from '@muster/protocol';
import type { BotRow } from '#gallery/model';
import { type Reader, sql } from '#kernel/db';

/** A bot as people see it: the row of the loop, and what only people look at. */
export type BotSheet = Omit<BotRow, 'counts'> & {
  counts: BotCounts;
  seedIndex: number | null;
  lastError: string | null;
  provisionDetail: string | null;
  remoteUserId: string | null;
  costMicros: number;
  lastActionAt: number | null;
  version: number;
  updatedAt: number;
  deletedAt: number | null;
};

export type RawBot = {
  id: string;
  projectId: string;
  shard: number;
  name: string;
  username: string;
  targetId: string;
  personaId: string | null;
  disclosureLabel: string;
  traits: Partial<Traits>;
  caps: BotCaps | null;
  seed: number;
  seedIndex: number | null;
  desired: DesiredState;
  state: GalleryBotState;
  reason: string | null;
  lastError: string | null;
  sleepUntil: Date | null;
  retryAt: Date | null;
  failures: number;
  nextThinkAt: Date | null;
  thinkNo: number;
  generation: number;
  provision: ProvisionState;
  provisionDetail: string | null;
  remoteUserId: string | null;
  posts: number;
  comments: number;
  replies: number;
  likes: number;
  browses: number;
  thinks: number;
  skips: number;
  failed: number;
  costMicros: number;
  lastActionAt: Date | null;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
};

export const botColumns = sql`
  b.id, b.project_id as "projectId", b.shard, b.name, b.username, b.target_id as "targetId", b.persona_id as "personaId",
  b.disclosure_label as "disclosureLabel", b.traits, b.caps, b.seed, b.seed_index as "seedIndex", b.desired, b.state,
  b.reason, b.last_error as "lastError", b.sleep_until as "sleepUntil", b.retry_at as "retryAt", b.failures,
  b.next_think_at as "nextThinkAt", b.think_no as "thinkNo", b.generation, b.provision,
  b.provision_detail as "provisionDetail", b.remote_user_id as "remoteUserId", b.posts, b.comments, b.replies, b.likes,
  b.browses, b.thinks, b.skips, b.failed, b.cost_micros as "costMicros", b.last_action_at as "lastActionAt", b.version,
  b.created_at as "createdAt", b.updated_at as "updatedAt", b.deleted_at as "deletedAt"`;

const ms = (time: Date | null): number | null => time?.getTime() ?? null;

export function sheetOf(raw: RawBot): BotSheet {
  const { posts, comments, replies, likes, browses, thinks, skips, failed, ...rest } = raw;
  return {
    ...rest,
    counts: { posts, comments, replies, likes, browses, thinks, skips, failures: failed },
    sleepUntil: ms(raw.sleepUntil),
    retryAt: ms(raw.retryAt),
    nextThinkAt: ms(raw.nextThinkAt),
    lastActionAt: ms(raw.lastActionAt),
    createdAt: raw.createdAt.getTime(),
    updatedAt: raw.updatedAt.getTime(),
    deletedAt: ms(raw.deletedAt),
  };
}

/** As the loop knows it. */
export function loopRow(sheet: BotSheet): BotRow {
  const { posts, comments, replies, likes, browses } = sheet.counts;
  const {
    seedIndex: _seedIndex,
    lastError: _lastError,
    provisionDetail: _provisionDetail,
    remoteUserId: _remoteUserId,
    costMicros: _costMicros,
    lastActionAt: _lastActionAt,
    version: _version,
    updatedAt: _updatedAt,
    deletedAt: _deletedAt,
    ...row
  } = sheet;
  return { ...row, counts: { post: posts, comment: comments, reply: replies, like: likes, browse: browses } };
}

export async function readBot(reader: Reader, projectId: string, id: string): Promise<BotSheet | undefined> {
  const [raw] = await reader.query<RawBot>(sql`
    -- read_gallery_bot: gallery_bots_pkey
    select ${botColumns} from gallery_bots b where b.id = ${id} and b.project_id = ${projectId}`);
  return raw && sheetOf(raw);
}

export async function readBots(reader: Reader, projectId: string, ids: readonly string[]): Promise<BotSheet[]> {
  const rows = await reader.query<RawBot>(sql`
    -- read_gallery_bots: gallery_bots_pkey
    select ${botColumns} from gallery_bots b
    where b.id = any((select ${ids}::text[])::text[]) and b.project_id = ${projectId}`);
  return rows.map(sheetOf);
}
