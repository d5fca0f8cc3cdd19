import { galleryLimits } from '@muster/protocol';
import type { Limits } from '#kernel/base';

/** What an operator may move. Each field is a setting `MUSTER_GALLERY_…` in config/schema.ts, in the same unit. */
export type GalleryConfig = {
  botsMax: number;
  personasMax: number;
  seedCountMax: number;
  thinksInFlightMax: number;
  dueQueueMax: number;
  memoryPerBotMax: number;
  relationsPerBotMax: number;
  feedFreshMs: number;
  feedStaleMs: number;
  wakeMinMs: number;
  wakeMaxMs: number;
  wakeDefaultMs: number;
  targetBodyBytesMax: number;
  importBytesMax: number;
  retentionActivityDays: number;
  retentionActionsDays: number;
  retentionDecisionsDays: number;
};

/** The defaults, in one place; config/schema.ts takes its defaults from here. */
export const galleryDefaults: GalleryConfig = {
  botsMax: galleryLimits.botsMax,
  personasMax: galleryLimits.personasMax,
  seedCountMax: galleryLimits.seedCountMax,
  thinksInFlightMax: galleryLimits.thinksInFlightMax,
  dueQueueMax: galleryLimits.dueQueueMax,
  memoryPerBotMax: galleryLimits.memoryPerBotMax,
  relationsPerBotMax: galleryLimits.relationsPerBotMax,
  feedFreshMs: galleryLimits.feedFreshMs,
  feedStaleMs: galleryLimits.feedStaleMs,
  wakeMinMs: galleryLimits.wakeMinMs,
  wakeMaxMs: galleryLimits.wakeMaxMs,
  wakeDefaultMs: galleryLimits.wakeDefaultMs,
  targetBodyBytesMax: galleryLimits.targetBodyBytesMax,
  importBytesMax: galleryLimits.importBytesMax,
  retentionActivityDays: 30,
  retentionActionsDays: 400,
  retentionDecisionsDays: 7,
};

/** Bounds of this room itself. */
export const roomLimits = {
  /** More than this and the work becomes a job. */
  atOnceMax: 500,
  /** Bots moved by one statement of a bulk action. */
  commandBatchMax: 10_000,
  /** Bots made in one transaction of a seeding. */
  seedBatchMax: 1_000,
  /** From so many ids on, everybody's timers are looked at instead of theirs. */
  changedIdsMax: 1_000,
  /** Rows of the feed brought to the stream in one append. */
  publishBatchMax: 500,
  /** Views of single bots on the feed kept for their readers. */
  botViewsMax: 2_000,
  /** Rows read for one evaluation or graph. */
  measureRowsMax: 20_000,
  graphEdgesMax: 50_000,
  /** Longest window of stats, evaluation and graph. */
  windowMsMax: 92 * 86_400_000,
} as const;

export function declareLimits(limits: Limits, config: GalleryConfig, bots: () => number): void {
  limits.add({
    name: 'gallery.bots',
    unit: 'count',
    value: config.botsMax,
    setting: 'MUSTER_GALLERY_BOTS_MAX',
    whenFull: 'Another bot of the project gets 429 bots_full until one is purged.',
    used: bots,
  });
  limits.add({
    name: 'gallery.personas',
    unit: 'count',
    value: config.personasMax,
    setting: 'MUSTER_GALLERY_PERSONAS_MAX',
    whenFull: 'Another persona of the project gets 429 personas_full; an import refuses the rows beyond it.',
  });
  limits.add({
    name: 'gallery.seedCount',
    unit: 'count',
    value: config.seedCountMax,
    setting: 'MUSTER_GALLERY_SEED_COUNT_MAX',
    whenFull: 'A larger seeding is invalid.',
  });
  limits.add({
    name: 'gallery.importBytes',
    unit: 'bytes',
    value: config.importBytesMax,
    setting: 'MUSTER_GALLERY_IMPORT_BYTES_MAX',
    whenFull: 'A larger import gets 413 body_too_large.',
  });
}
