import { galleryLimits } from '@muster/protocol';

const dayMs = 86_400_000;

/** Bounds of the gallery of our own. */
export const sandboxLimits = {
  titleCharsMax: galleryLimits.titleCharsMax,
  descriptionCharsMax: 2_000,
  contentCharsMax: galleryLimits.contentCharsHardMax,
  tagsMax: 20,
  tagCharsMax: 40,
  altCharsMax: 500,
  promptCharsMax: 2_000,
  factsMax: 60,
  factCharsMax: 100,
  reasonCharsMax: 500,
  pageItemsMax: 100,
  pageItemsDefault: 20,
  offsetMax: 100_000,
  jsonBytesMax: 256 * 1024,
  uploadBytesMax: galleryLimits.uploadBytesMax,
  uploadPixelsMax: 16_000_000,
  uploadTtlMs: 3_600_000,
  /** Announced uploads of one project that have not come yet. */
  uploadsWaitingMax: 1_000,
  keyBytesMax: 255,
  keyKeepMs: dayMs,
  faultsMax: 50,
  faultTtlMs: 3_600_000,
  faultDelayMsMax: 120_000,
  /** Pages of feeds kept in memory. */
  feedPagesMax: 256,
  /** Galleries up to here are ranked in memory, larger ones by Postgres. */
  boardItemsMax: 5_000,
  /** Projects whose galleries are known in memory. */
  boardsMax: 100,
  /** Items of a project kept in memory, those shown lately. */
  itemsKeptMax: 6_000,
  /** Changed items read again one by one; beyond it the whole gallery is. */
  itemsMarkedMax: 500,
  /** Views that wait to be written; the fullest store is written at once. */
  viewsWaitingMax: 5_000,
  viewsFlushMs: 2_000,
  /** Browsers that follow the pages live. */
  followersMax: 1_000,
  /** Changed items told to followers at once; beyond it they are told to look again. */
  liveItemsMax: 60,
  liveEveryMs: 400,
  /** Calls a second from one credential, and how many may come at once. */
  callsPerSecond: 2_000,
  callsBurst: 6_000,
  /** Acts of one person a minute. */
  personActsPerMinute: 30,
  /** Pictures that a simulated day has on their way to the disk. */
  storingMax: 64,
  /** PNGs of drawings being made at once for requests. */
  pngWaitingMax: 200,
  reportsPageMax: 200,
} as const;
