import type { Scope } from '@muster/protocol';
import type { Auth, Principal } from '#kernel/auth';
import type { Clock } from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Queue } from '#kernel/queue';
import type { Logger } from '#kernel/telemetry';
import type { PublicPaths } from './public-paths.ts';

/** What listing and changing streams needs from outside. */
export type CatalogDeps = {
  db: Db;
  log: Log;
  queue: Queue;
  bus: Bus;
  auth: Auth;
  clock: Clock;
  logger: Logger;
  /** The scope that reading a managed prefix takes; `undefined`: the prefix is free. */
  managedScope: (firstSegment: string) => Scope | undefined;
};

export type Room = CatalogDeps & { publicPaths: PublicPaths };

/** Who asks, and where from, for the audit. */
export type Asked = { who: Extract<Principal, { kind: 'key' | 'person' }>; address: string; requestId: string };

export const firstOf = (path: string): string => path.split('/', 1)[0] ?? '';
