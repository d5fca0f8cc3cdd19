import type { TargetFault } from '#gallery/model';
import { never } from '#kernel/base';
import { type BreakerView } from './breaker.ts';

export type GateChange = { state: 'sleeping' | 'held' | 'tripped'; until: number | null; reason: string };

/** Which gate of the target a fault shuts; `null`: none, the fault concerns one bot or one request. */
export function gateFor(fault: TargetFault, breaker: BreakerView): GateChange | null {
  switch (fault.kind) {
    case 'sleep':
      return fault.scope === 'target' ? { state: 'sleeping', until: fault.wakeAt, reason: fault.reason } : null;
    case 'held':
      return { state: 'held', until: null, reason: fault.reason };
    case 'contract':
      return { state: 'tripped', until: breaker.until, reason: fault.reason };
    case 'unavailable':
    case 'unknown':
      if (breaker.state === 'closed') return null;
      return {
        state: 'tripped',
        until: breaker.until,
        reason: breaker.reason === 'target_contract' ? breaker.reason : 'target_unreachable',
      };
    case 'account':
    case 'gone':
    case 'invalid':
    case 'dropped':
      return null;
    default:
      return never(fault);
  }
}
