import type { Auth } from '#kernel/auth';
import type { Clock, FatalHandler, Limits, Random } from '#kernel/base';
import type { BlobStore } from '#kernel/blobs';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Meter } from '#kernel/meter';
import type { Queue } from '#kernel/queue';
import type { Telemetry } from '#kernel/telemetry';
import type { BuildsConfig } from './limits.ts';

/** Everything this room needs from outside; `compose.ts` hands it over. */
export type BuildsDeps = {
  db: Db;
  log: Log;
  blobs: BlobStore;
  queue: Queue;
  bus: Bus;
  auth: Auth;
  meter: Meter;
  clock: Clock;
  random: Random;
  limits: Limits;
  telemetry: Telemetry;
  config: BuildsConfig;
  /** Seals what must be read back (AES-256-GCM under a key derived from MUSTER_SECRET). `unavailable` `secrets_unreadable`. */
  secrets: { seal(plain: Uint8Array): Buffer; open(sealed: Uint8Array): Buffer };
  /** Names this process in hints between nodes. */
  nodeId: string;
  fatal: FatalHandler;
};
