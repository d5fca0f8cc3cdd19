import type { Auth } from '#kernel/auth';
import type { Clock, Limits, Random } from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import type { Log } from '#kernel/log';
import type { Outbound } from '#kernel/outbound';
import type { Queue } from '#kernel/queue';
import type { Telemetry } from '#kernel/telemetry';
import type { ControlSecrets } from './control/control.ts';
import type { StreamsConfig } from './limits.ts';
import type { StreamRoom } from './rooms.ts';

/** What this room needs from outside. */
export type StreamsDeps = {
  db: Db;
  log: Log;
  queue: Queue;
  bus: Bus;
  auth: Auth;
  outbound: Outbound;
  clock: Clock;
  random: Random;
  limits: Limits;
  telemetry: Pick<Telemetry, 'logger' | 'metrics'>;
  /** Rooms whose streams are read here. */
  rooms: readonly StreamRoom[];
  secrets: ControlSecrets;
  /** What URLs told to others begin with: `MUSTER_PUBLIC_URL` and the base path. */
  publicBase: string | undefined;
  /** Whether this server listens on loopback only. */
  loopback: boolean;
  config: StreamsConfig;
};
