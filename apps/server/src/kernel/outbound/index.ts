import { GuardedOutbound, type OutboundOptions } from './guarded-outbound.ts';
import type { Outbound } from './outbound.ts';

export type { OutboundOptions } from './guarded-outbound.ts';
export type { Outbound, OutboundAnswer, OutboundCall } from './outbound.ts';
export type { Resolve } from './target.ts';

/**
 * Calls to addresses somebody gave this server, guarded.
 *
 * @example
 * const outbound = createOutbound({ clock, metrics, allow: config.edge.outboundAllow, loopback: true });
 * const { status } = await outbound.call({ url, method: 'POST', body });
 */
export const createOutbound = (options: OutboundOptions): Outbound => new GuardedOutbound(options);
