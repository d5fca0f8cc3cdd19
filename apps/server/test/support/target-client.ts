import { type TargetCapabilities } from '@muster/protocol';
import type { Publication, TargetRow, Transport } from '#gallery/model';
import {
  Breaker,
  type CallerOptions,
  type Credentials,
  createTarget,
  createTargetMetrics,
  Lane,
  networkTransport,
  type TargetClient,
} from '#gallery/targets';
import { type Clock, systemClock } from '#kernel/base';
import { createOutbound } from '#kernel/outbound';
import { loneMetrics, silentLogger } from '#kernel/telemetry';

/** The machine's clock, but pauses are noted and not made. Timers of calls run as ever. */
export function hurriedClock(): Clock & { pauses: number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    after: (ms, then) => systemClock.after(ms, then),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      pauses.push(ms);
    },
  };
}

export const targetRow = (baseUrl: string, change: Partial<TargetRow> = {}): TargetRow => ({
  projectId: 'prj_00000000000000000000000000',
  id: 'floimg',
  kind: 'floimg',
  title: 'A gallery',
  baseUrl,
  dialect: 'showcase',
  capabilities: { idempotency: false, explicitUnlike: false, upload: true, execute: true },
  rps: 10_000,
  concurrency: 16,
  quietList: [],
  banned: [],
  captionFooter: null,
  deprovisionOnDelete: false,
  phaseOut: null,
  share: 1,
  acknowledged: true,
  gate: { state: 'open', until: null, reason: null },
  ...change,
});

export type ClientOptions = {
  baseUrl: string;
  row?: Partial<TargetRow>;
  credentials?: Credentials;
  clock?: Clock;
  transport?: Transport;
  breaker?: Breaker;
  lane?: Lane;
  random?: () => number;
  pngOf?: (svg: string) => Promise<Uint8Array>;
};

/** A client as the registry makes it, on a gallery of the test's own. */
export function targetClient(options: ClientOptions): TargetClient {
  const { baseUrl, clock = systemClock, random = () => 0.5 } = options;
  const row = targetRow(baseUrl, options.row);
  const metrics = loneMetrics(silentLogger);
  const outbound = createOutbound({ clock, metrics, allow: ['loopback'], loopback: true });
  const given: Omit<CallerOptions, 'dialect'> = {
    row,
    credentials: options.credentials ?? { token: null, legacySecret: null },
    transport: options.transport ?? networkTransport({ outbound, baseUrl, trusted: false }),
    lane: options.lane ?? new Lane(clock, { concurrency: row.concurrency, rps: null }),
    breaker: options.breaker ?? new Breaker(),
    clock,
    random,
    metrics: createTargetMetrics(loneMetrics(silentLogger)),
    userAgent: 'Muster/0.0.0 (gallery bots)',
    pngOf: options.pngOf ?? (() => Promise.reject(new Error('this test draws nothing'))),
  };
  return createTarget(given);
}

/** A PNG of one pixel. */
export const onePixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);

export const publicationOf = (change: Partial<Publication> = {}): Publication => ({
  image: {
    blobId: 'blb_test',
    mimeType: 'image/png',
    bytes: () => Promise.resolve(onePixel),
    publicUrl: 'https://muster.example/pictures/one.png',
  },
  title: 'Fog over the slack tide',
  caption: 'The left buoy leans as if it heard something.',
  alt: 'A buoy in fog.',
  tags: ['harbour'],
  prompt: 'fog, buoy',
  facts: ['red buoy'],
  ...change,
});

export type { TargetCapabilities };
