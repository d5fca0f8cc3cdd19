import type { MindsConfig } from '#gallery/minds';
import type { SandboxDeps } from '#gallery/sandbox';
import type { TargetsConfig } from '#gallery/targets';
import type { Auth } from '#kernel/auth';
import type { Clock, FatalHandler, Limits, Random } from '#kernel/base';
import type { BlobStore } from '#kernel/blobs';
import type { Bus } from '#kernel/bus';
import type { Db, Tx } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Budgets, Meter } from '#kernel/meter';
import type { Outbound } from '#kernel/outbound';
import type { Queue } from '#kernel/queue';
import type { Telemetry } from '#kernel/telemetry';
import type { GalleryConfig } from './limits.ts';
import type { GalleryEmission } from './room.ts';

/** Everything this room needs from outside; `compose.ts` hands it over. */
export type GalleryDeps = {
  db: Db;
  log: Log;
  blobs: BlobStore;
  queue: Queue;
  bus: Bus;
  auth: Auth;
  budgets: Budgets;
  meter: Meter;
  outbound: Outbound;
  clock: Clock;
  random: Random;
  limits: Limits;
  telemetry: Telemetry;
  config: GalleryConfig;
  /** Seals what must be read back, such as tokens of targets. */
  secrets: { seal(plain: Uint8Array): Buffer; open(sealed: Uint8Array): Buffer };
  /** Minds as the settings and their older names say: `mindsFrom`. */
  minds: MindsConfig;
  targets: TargetsConfig;
  /** Who sits before this browser, tokens and addresses of the gallery built in here. */
  sandbox: Pick<SandboxDeps, 'currentPerson' | 'serviceToken' | 'csrfKey' | 'signInPath' | 'publicBase'>;
  /** The path this server is reached below, without a last slash; empty when there is none. */
  basePath: string;
  /** How the world reaches this server, with its base path and without a slash at the end; asked once it listens. */
  publicBase: () => string;
  nodeId: string;
  fatal: FatalHandler;
  /** Webhooks, where there are any: in the transaction of what happened. */
  notify?: (tx: Tx, events: readonly GalleryEmission[]) => void;
};
