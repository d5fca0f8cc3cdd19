import type { Limits } from '#kernel/base';
import type { HashGate } from './passwords.ts';

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
  invitesOpenMax: 500,
  projectsMax: 1000,
  /** Passwords that are hashed at the same time; each takes 32 MiB. */
  hashingMax: 4,
  hashingWaitingMax: 64,
  keepHouseEveryMs: hour,
  sweepRows: 1000,
} as const;

/** Shown at `GET /v1/limits`. */
export function declareLimits(limits: Limits, gate: HashGate): void {
  const { triesPerPairMax, triesPerAddressMax, hashingWaitingMax, signInsPerPersonMax, invitesOpenMax, projectsMax } =
    peopleLimits;
  const count = (name: string, value: number, whenFull: string): void => {
    limits.add({ name: `people.${name}`, unit: 'count', value, whenFull });
  };
  count('triesPerEmail', triesPerPairMax, 'Within 15 minutes from one address: 429 too_many_tries, until the oldest is 15 minutes old.');
  count('triesPerAddress', triesPerAddressMax, 'Within an hour: 429 too_many_tries, until the oldest is an hour old.');
  count('signInsPerPerson', signInsPerPersonMax, 'The oldest sign-in of that person ends.');
  count('openInvitesPerProject', invitesOpenMax, 'No further invite: 429 invites_full.');
  count('projects', projectsMax, 'No further project: 429 projects_full.');
  limits.add({
    name: 'people.waitingSignIns',
    unit: 'count',
    value: hashingWaitingMax,
    whenFull: '429 sign_in_busy.',
    used: () => gate.waiting,
  });
}
