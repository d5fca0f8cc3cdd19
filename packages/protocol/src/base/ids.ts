import { z } from 'zod';

/** Every id is `<prefix>_<26 characters>`: a UUIDv7 in Crockford base32, lower case, so ids sort by birth. */
export const idPrefixes = {
  project: 'prj',
  key: 'key',
  build: 'bld',
  worker: 'wrk',
  upload: 'upl',
  artifact: 'art',
  diagnostics: 'dgr',
  job: 'job',
  blob: 'blb',
  audit: 'aud',
  galleryBot: 'gbt',
  activity: 'act',
  person: 'usr',
  signIn: 'sgn',
  invite: 'inv',
} as const;
export type IdKind = keyof typeof idPrefixes;

export const idPattern = (kind: IdKind): RegExp => new RegExp(`^${idPrefixes[kind]}_[0-9a-hjkmnp-tv-z]{26}$`);
export const idSchema = (kind: IdKind): z.ZodString =>
  z.string().regex(idPattern(kind), `expected an id that starts with ${idPrefixes[kind]}_`);
