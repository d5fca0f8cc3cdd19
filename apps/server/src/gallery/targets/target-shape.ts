import type { GalleryTarget } from '@muster/protocol';
import type { TargetSheet } from './queries/targets.ts';

/** A target as people see it. Of its secrets only whether there is one. */
export function showTarget(sheet: TargetSheet): GalleryTarget {
  const { token, legacySecret, gate, acknowledged: _, fromEnvironment: __, createdAt, updatedAt, ...rest } = sheet;
  return {
    ...rest,
    quietList: [...rest.quietList],
    banned: [...rest.banned],
    tokenSet: token !== null,
    legacyBotSecretSet: legacySecret !== null,
    gate: { ...gate, until: gate.until === null ? null : new Date(gate.until).toISOString() },
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

/** What the audit keeps of one: secrets are neither shown nor hinted at but by whether they are there. */
export const auditOf = (sheet: TargetSheet): Record<string, unknown> => {
  const { title, baseUrl, tokenSet, legacyBotSecretSet, dialect, rps, concurrency, share, phaseOut } =
    showTarget(sheet);
  return {
    title,
    baseUrl,
    hasToken: tokenSet,
    hasLegacySecret: legacyBotSecretSet,
    dialect,
    rps,
    concurrency,
    share,
    phaseOut,
  };
};
