/** Kinds of things that have an id or a name and a page in the console. */
export const thingKinds = [
  'build',
  'worker',
  'queue',
  'galleryBot',
  'persona',
  'target',
  'galleryAction',
  'stream',
  'key',
  'person',
  'project',
  'job',
  'audit',
  'invite',
] as const;
export type ThingKind = (typeof thingKinds)[number];

const part = encodeURIComponent;
const query = (name: string, value: string): string => `?${name}=${part(value)}`;

/** Where the console shows a thing, from its root on. The server names these in its answers; nobody else makes them up. */
export const consolePathOf: { readonly [K in ThingKind]: (id: string) => string } = {
  build: (id) => `/builds/${part(id)}`,
  worker: (id) => `/builds/workers/${part(id)}`,
  queue: (name) => `/builds/queue${query('queue', name)}`,
  galleryBot: (id) => `/gallery/bots/${part(id)}`,
  persona: (id) => `/gallery/personas/${part(id)}`,
  target: (id) => `/gallery/targets${query('target', id)}`,
  galleryAction: (thoughtId) => `/gallery/feed${query('thought', thoughtId)}`,
  stream: (path) => `/streams/${path.split('/').map(part).join('/')}`,
  key: (id) => `/settings/keys${query('key', id)}`,
  person: (id) => `/settings/people${query('person', id)}`,
  project: (id) => `/settings/projects${query('project', id)}`,
  job: (id) => `/system/jobs/${part(id)}`,
  audit: (id) => `/settings/audit${query('id', id)}`,
  invite: (id) => `/settings/people${query('invite', id)}`,
};
