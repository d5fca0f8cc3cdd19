const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export const peopleLimits = {
  passwordLengthMin: 12,
  passwordLengthMax: 256,
  emailLengthMax: 254,
  nameLengthMax: 100,
  noteLengthMax: 200,
  formBytesMax: 16 * 1024,
  /** Failed tries of one address with one email. */
  triesPerPairMax: 10,
  triesPairMs: 15 * minute,
  /** Failed tries of one address with any email. */
  triesPerAddressMax: 50,
  triesAddressMs: hour,
  /** Tries of one address that are looked at, right ones too. */
  triesPerSecond: 2,
  triesBurst: 200,
  triesAddressesMax: 50_000,
  signInIdleMs: 7 * day,
  signInLifeMs: 30 * day,
  /** The end of a sign-in is moved on at most this often. */
  signInTouchMs: hour,
  signInsPerPersonMax: 100,
  userAgentLengthMax: 300,
  /** A password given this recently is fresh enough for what wants a fresh one. */
  freshMs: 10 * minute,
  setupTtlMs: day,
  inviteTtlMs: 7 * day,
  resetTtlMs: day,
  /** Between the password and the code. */
  secondStepMs: 5 * minute,
  invitesOpenMax: 500,
  projectsMax: 1000,
  /** Passwords that are hashed at the same time; each takes 32 MiB. */
  hashingMax: 4,
  hashingWaitingMax: 64,
  keepHouseEveryMs: hour,
  sweepRows: 1000,
} as const;
