import type { Auth } from '#kernel/auth';
import type { Clock, Random } from '#kernel/base';
import type { Log } from '#kernel/log';
import type { Access } from './access.ts';
import type { Budgets } from './budgets.ts';
import type { Control } from './control/control.ts';
import type { EventStreams } from './event-streams.ts';
import type { StreamsConfig } from './limits.ts';
import type { LiveReads } from './live-reads.ts';

/** What the operations of this room work with; `streams.ts` puts it together. */
export type Room = {
  readonly log: Log;
  readonly auth: Pick<Auth, 'heed'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly access: Access;
  readonly budgets: Budgets;
  readonly liveReads: LiveReads;
  readonly events: EventStreams;
  readonly control: Control;
  readonly config: StreamsConfig;
};
