import { viewLimits } from '@muster/protocol';
import type { Limits } from '#kernel/base';
import { peopleLimits } from './limits.ts';
import type { HashGate } from './passwords.ts';

/** Shown at `GET /v1/limits`. */
export function declareLimits(limits: Limits, gate: HashGate): void {
  const { triesPerPairMax, triesPerAddressMax, hashingWaitingMax, signInsPerPersonMax, invitesOpenMax, projectsMax } =
    peopleLimits;
  const count = (name: string, value: number, whenFull: string): void => {
    limits.add({ name: `people.${name}`, unit: 'count', value, whenFull });
  };
  count(
    'triesPerEmail',
    triesPerPairMax,
    'Within 15 minutes from one address: 429 too_many_tries, until the oldest is 15 minutes old.',
  );
  count('triesPerAddress', triesPerAddressMax, 'Within an hour: 429 too_many_tries, until the oldest is an hour old.');
  count(
    'codesPerPerson',
    triesPerPairMax,
    'Wrong codes within 15 minutes, from anywhere: 429 too_many_tries, until the oldest is 15 minutes old.',
  );
  count('signInsPerPerson', signInsPerPersonMax, 'The oldest sign-in of that person ends.');
  count('openInvitesPerProject', invitesOpenMax, 'No further invite: 429 invites_full.');
  count('projects', projectsMax, 'No further project: 429 projects_full.');
  count('viewsPerPerson', viewLimits.perPersonMax, 'No further saved view: 429 views_full.');
  count('viewsPerProject', viewLimits.perProjectMax, 'No further shared view: 429 views_full.');
  limits.add({
    name: 'people.waitingSignIns',
    unit: 'count',
    value: hashingWaitingMax,
    whenFull: '429 sign_in_busy.',
    used: () => gate.waiting,
  });
}
