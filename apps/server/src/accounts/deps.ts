import type { Principal } from '#kernel/auth';
import type { Limits } from '#kernel/base';
import type { PeopleDeps } from './people/index.ts';

/** Everything this room needs from outside. */
export type AccountsDeps = PeopleDeps & { limits: Limits };

/** Who asks, and where from, for the audit. */
export type Asker = { who: Principal; address: string; requestId: string };
