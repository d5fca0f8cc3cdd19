import { createHash } from 'node:crypto';

/** First segment of a path → how many segments name the object there, as rooms declare it. */
export type Homes = Readonly<Record<string, number>>;

/** The part of a path that keeps all streams of one object together; a path that no room declared is its own home. */
export function homeOf(path: string, homes: Homes): string {
  const parts = path.split('/');
  const named = homes[parts[0] as string] ?? 0;
  return named > 0 && parts.length >= named ? parts.slice(0, named).join('/') : path;
}

/** The shard of a stream: first 4 bytes of sha256(project, home), modulo the number fixed at first start. */
export function shardOf(projectId: string, path: string, shards: number, homes: Homes = {}): number {
  const hash = createHash('sha256').update(projectId).update('\0').update(homeOf(path, homes)).digest();
  return hash.readUInt32BE(0) % shards;
}
