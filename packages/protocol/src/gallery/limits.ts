const KiB = 1024;
const MiB = 1024 * KiB;

/** Bounds that are part of the contract; those an operator may move are settings `MUSTER_GALLERY_…` with these defaults. */
export const galleryLimits = {
  nameCharsMax: 100,
  usernameCharsMin: 3,
  usernameCharsMax: 30,
  personalityCharsMax: 2_000,
  vibeCharsMax: 40,
  interestsMax: 20,
  interestCharsMax: 40,
  intervalMsMin: 5_000,
  intervalMsMax: 86_400_000,
  curveHighest: 5,
  disclosureLabelCharsMax: 80,
  memoryCharsMax: 280,
  activityCharsMax: 1_000,
  whyCharsMax: 160,
  titleCharsMax: 200,
  captionCharsMax: 500,
  commentCharsMax: 300,
  contentCharsHardMax: 1_000,
  quietListMax: 1_000,
  bannedMax: 500,
  botsMax: 100_000,
  personasMax: 500,
  seedCountMax: 100_000,
  thinksInFlightMax: 256,
  dueQueueMax: 2_000,
  memoryPerBotMax: 200,
  relationsPerBotMax: 100,
  feedFreshMs: 15_000,
  feedStaleMs: 60_000,
  thinkFloorMs: 5_000,
  wakeMinMs: 1_000,
  wakeMaxMs: 86_400_000,
  wakeDefaultMs: 3_600_000,
  targetBodyBytesMax: 2 * MiB,
  sceneBytesMax: 64 * KiB,
  uploadBytesMax: 10 * MiB,
  importBytesMax: 5 * MiB,
} as const;

/** Intervals of the three tiers: between two thinks of one bot, in ms of its own time. */
export const tierIntervals = {
  power: { minIntervalMs: 30_000, maxIntervalMs: 90_000 },
  regular: { minIntervalMs: 60_000, maxIntervalMs: 300_000 },
  casual: { minIntervalMs: 300_000, maxIntervalMs: 900_000 },
} as const;
export const tiers = ['power', 'regular', 'casual'] as const;
export type Tier = (typeof tiers)[number];

/** What a bot can do in one think, besides nothing. */
export const actKinds = ['post', 'comment', 'reply', 'like', 'browse'] as const;
export type ActKind = (typeof actKinds)[number];

/** Kinds of scenes that the image engine draws. */
export const sceneFamilies = ['landscape', 'pixel', 'chart', 'poster', 'pattern', 'product', 'card', 'qr'] as const;
export type SceneFamily = (typeof sceneFamilies)[number];
