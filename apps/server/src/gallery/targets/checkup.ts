import type { TargetCapabilities } from '@muster/protocol';
import { type Finding, TargetError, type TargetFault } from '#gallery/model';
import { type Clock, never } from '#kernel/base';
import { targetLimits } from './limits.ts';
import { list } from './shapes.ts';
import type { Speaker } from './speaker.ts';

type Checked = { findings: Finding[]; capabilities: TargetCapabilities; clockSkewMs: number };

/** What a gallery of ours says it can do; others say nothing and are taken for what their dialect is. */
const announced = 'x-gallery-capabilities';

/**
 * Reads one page of the feed and says what can be told from it: is somebody there, is the token taken, does the feed have
 * its shape, do the clocks agree, what can the gallery do. Nothing is changed. Throws nothing but a broken program of ours.
 */
export async function checkTarget(
  { caller, dialect, row, itemOf }: Speaker,
  { clock }: { clock: Clock },
  signal: AbortSignal,
): Promise<Checked> {
  const seen = { date: '', announced: undefined as string | undefined, askedAt: 0 };
  try {
    seen.askedAt = clock.now();
    const items = await caller.call({
      route: 'feed',
      kind: 'read',
      method: 'GET',
      path: dialect.feed('recent', 20, 0),
      signal,
      read: (json, { headers }) => {
        seen.date = headers['date'] ?? '';
        seen.announced = headers[announced];
        return list(json, dialect.items, itemOf);
      },
    });
    const clockSkewMs = skewAround(seen.date, seen.askedAt, clock.now());
    const capabilities = capabilitiesOf(seen.announced, row.capabilities);
    return {
      findings: [
        { what: 'reachability', ok: true, detail: 'The gallery answers.' },
        { what: 'token', ok: true, detail: 'The feed is shown with this token.' },
        { what: 'feed', ok: true, detail: `${items.length} items in the feed could be read.` },
        clockFinding(clockSkewMs),
        { what: 'capabilities', ok: true, detail: shown(capabilities) },
      ],
      capabilities,
      clockSkewMs,
    };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    return { findings: findingsOf(error.fault, error.message), capabilities: row.capabilities, clockSkewMs: 0 };
  }
}

/** The header was written somewhere between our question and its answer, and counts in whole seconds. */
function skewAround(date: string, askedAt: number, answeredAt: number): number {
  const at = Date.parse(date);
  if (Number.isNaN(at)) return 0;
  if (at > answeredAt) return at - answeredAt;
  return Math.min(0, at + 1_000 - askedAt);
}

function clockFinding(skewMs: number): Finding {
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) < targetLimits.skewMsWarn)
    return { what: 'clock', ok: true, detail: 'Its clock and ours agree.' };
  return {
    what: 'clock',
    ok: false,
    detail: `Its clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} ours.`,
    remedy: 'Let both machines follow a time server. Until then its times are read by its own clock.',
  };
}

function capabilitiesOf(header: string | undefined, known: TargetCapabilities): TargetCapabilities {
  if (header === undefined) return known;
  const said = new Set(header.toLowerCase().split(/[\s,]+/));
  return {
    idempotency: said.has('idempotency'),
    explicitUnlike: said.has('explicit-unlike'),
    upload: said.has('upload'),
    execute: said.has('execute'),
  };
}

const shown = (capabilities: TargetCapabilities): string => {
  const has = Object.entries(capabilities).flatMap(([name, can]) => (can ? [name] : []));
  return has.length === 0 ? 'None beyond the contract.' : `It can: ${has.join(', ')}.`;
};

function findingsOf(fault: TargetFault, message: string): Finding[] {
  const reached = { what: 'reachability', ok: true, detail: 'Something answers there.' };
  switch (fault.kind) {
    case 'held':
      if (fault.reason === 'target_no_token' || fault.reason === 'target_unauthorized')
        return [
          ...(fault.reason === 'target_no_token' ? [] : [reached]),
          {
            what: 'token',
            ok: false,
            detail: message,
            remedy: 'Set a service token of this gallery (it begins with fst_).',
          },
        ];
      return [
        {
          ...reached,
          ok: false,
          detail: message,
          remedy:
            fault.reason === 'redirect_refused'
              ? 'Set the address it redirects to as the base URL, if you know it.'
              : 'Ask the operator of the gallery; then open the gate.',
        },
      ];
    case 'contract':
      return [
        reached,
        {
          what: 'feed',
          ok: false,
          detail: message,
          remedy: 'Check the base URL and the dialect: galleries that answer with posts speak gallery-v0.',
        },
      ];
    case 'account':
      return [
        reached,
        { what: 'token', ok: false, detail: message, remedy: 'Give the token the right to read the gallery.' },
      ];
    case 'sleep':
      return [reached, { what: 'token', ok: true, detail: message }];
    case 'unavailable':
    case 'invalid':
    case 'gone':
    case 'unknown':
    case 'dropped':
      return [
        {
          what: 'reachability',
          ok: false,
          detail: message,
          remedy: 'Check the base URL, that the gallery runs, and that this server may reach it.',
        },
      ];
    default:
      return never(fault);
  }
}
