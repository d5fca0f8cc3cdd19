import type { Head } from '#kernel/log';
import type { StreamShape } from './shapes.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

export const showStream = (head: Head): StreamShape => ({
  path: head.key.path,
  url: `/v1/stream/${head.key.path.split('/').map(encodeURIComponent).join('/')}`,
  contentType: head.contentType,
  firstOffset: head.first,
  nextOffset: head.tail,
  messages: head.messages,
  bytes: head.bytes,
  closed: head.closed,
  ttlSeconds: head.ttlSeconds ?? null,
  expiresAt: head.expiresAt === undefined ? null : iso(head.expiresAt),
  retention: head.retention ?? null,
  forkedFrom: head.forkedFrom ?? null,
  followers: head.followers,
  createdAt: iso(head.createdAt),
  updatedAt: iso(head.updatedAt),
  version: head.version,
});
