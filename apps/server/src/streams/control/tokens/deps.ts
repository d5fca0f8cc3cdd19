import type { Auth, Principal } from '#kernel/auth';
import type { Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { CounterMetric } from '#kernel/telemetry';

/** What browser tokens need from outside. */
export type TokensDeps = { db: Db; auth: Auth; clock: Clock };

export const acts = ['minted', 'renewed', 'revoked'] as const;
export type Room = TokensDeps & { acted: CounterMetric<{ act: typeof acts }> };

/** Who asks, and where from, for the audit. */
export type Asked<W extends Principal = Principal> = { who: W; address: string; requestId: string };
