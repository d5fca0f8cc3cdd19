import type { Auth, Principal } from '#kernel/auth';
import type { Limits } from '#kernel/base';
import type { Db } from '#kernel/db';

/** Everything this room needs from outside. */
export type AccountsDeps = { db: Db; auth: Auth; limits: Limits };

/** Who asks, and where from, for the audit. */
export type Asker = { who: Principal; address: string; requestId: string };
