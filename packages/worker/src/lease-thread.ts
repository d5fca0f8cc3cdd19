import { parentPort, workerData } from 'node:worker_threads';
import { buildLimits, type Heartbeat, type HeartbeatAnswer, heartbeatAnswerSchema } from '@muster/protocol';
import { after, Backoff, monotonic, pause } from './clock.ts';
import { Http, isAway, isRefusedCredential } from './http.ts';
import type { FromLeaseThread, Lease, LeaseNote, LeaseThreadData, ToLeaseThread } from './lease-messages.ts';
import { Wake } from './wake.ts';

/*
 * Runs in a thread of its own, so that a main thread busy with something long cannot lose a build. It does one thing:
 * heartbeat for what is held, hand on what the answer says.
 */

const parkSlackMs = 10_000;
/** Heartbeats are at least so far apart; a note marked `soon` waits for no longer. */
const soonMs = 1_000;
const everyMsMin = 500;
/** While leases are held no retry may wait longer than this: the lease would end meanwhile. */
const retryMsMax = 3_000;

const port = parentPort;
if (!port) throw new Error('lease-thread runs as a worker thread only');
const { url, token } = workerData as LeaseThreadData;
const http = new Http(url);
const leases = new Map<string, Lease & { note: LeaseNote }>();
const wake = new Wake();
let park = false;
let everyMs: number = buildLimits.heartbeatEveryMs;
let parked: AbortController | undefined;
let lastBeatAt = 0;
let away = false;
let cutSoon: Disposable | undefined;

const tell = (message: FromLeaseThread): void => port.postMessage(message);
const keyOf = ({ buildId, term }: Lease): string => `${buildId}-${term}`;

port.on('message', (message: ToLeaseThread) => {
  if (message.kind === 'park') {
    park = message.park;
    if (!park) parked?.abort();
  } else if (message.kind === 'hold') {
    leases.set(keyOf(message), { buildId: message.buildId, term: message.term, note: {} });
    everyMs = Math.max(everyMsMin, Math.min(everyMs, message.everyMs));
    // A heartbeat that is parked now does not name this lease, so nothing about it could come back.
    parked?.abort();
  } else if (message.kind === 'drop') {
    leases.delete(keyOf(message));
    return;
  } else {
    const lease = leases.get(keyOf(message));
    if (!lease) return;
    Object.assign(lease.note, message.note);
    if (!message.soon) return;
    cutSoon ??= after(Math.max(0, lastBeatAt + soonMs - monotonic()), () => {
      cutSoon = undefined;
      parked?.abort();
    });
  }
  wake.ring();
});

void beatForEver();

async function beatForEver(): Promise<never> {
  const backoff = new Backoff(500, retryMsMax);
  for (;;) {
    if (leases.size === 0 && !park) {
      await wake.wait(undefined);
      continue;
    }
    try {
      const answer = await beat();
      backoff.reset();
      if (away) tell({ kind: 'back' });
      away = false;
      if (answer) heed(answer);
      if (answer) await between();
    } catch (error) {
      if (isRefusedCredential(error)) {
        tell({ kind: 'refused', detail: messageOf(error) });
        for (const { buildId, term } of leases.values())
          tell({ kind: 'lost', buildId, term, reason: 'the server no longer accepts the worker' });
        leases.clear();
        await pause(backoff.next());
        continue;
      }
      if (!away) tell({ kind: 'away', detail: messageOf(error) });
      away = isAway(error);
      await pause(backoff.next());
    }
  }
}

/** One heartbeat; undefined when it was cut short to send a newer one. */
async function beat(): Promise<HeartbeatAnswer | undefined> {
  const waitMs = park ? Math.min(everyMs, buildLimits.waitMsMax) : 0;
  const sent = [...leases.values()]
    .slice(0, buildLimits.heartbeatLeasesMax)
    .map((lease) => ({ lease, note: lease.note }));
  for (const { lease } of sent) lease.note = {};
  const body: Heartbeat = {
    leases: sent.map(({ lease, note }) => ({ buildId: lease.buildId, term: lease.term, ...note })),
  };
  lastBeatAt = monotonic();
  parked = new AbortController();
  try {
    const path = waitMs > 0 ? `/v1/workers/me/heartbeat?wait=${waitMs}ms` : '/v1/workers/me/heartbeat';
    return await http.json(heartbeatAnswerSchema, 'POST', path, {
      token,
      body,
      signal: waitMs > 0 ? parked.signal : undefined,
      timeoutMs: waitMs + parkSlackMs,
    });
  } catch (error) {
    // It may or may not have arrived: what it said is said again, unless something newer is there.
    for (const { lease, note } of sent) lease.note = { ...note, ...lease.note };
    if (parked.signal.aborted) return undefined;
    throw error;
  } finally {
    parked = undefined;
  }
}

function heed(answer: HeartbeatAnswer): void {
  everyMs = Math.max(everyMsMin, answer.heartbeatEveryMs);
  for (const { buildId, term, lost } of answer.leases) {
    if (lost === undefined || !leases.delete(keyOf({ buildId, term }))) continue;
    tell({ kind: 'lost', buildId, term, reason: lost });
  }
  for (const instruction of answer.instructions) tell({ kind: 'instruction', instruction });
}

/** A parked heartbeat has waited already, so the next one follows; never two within a second, whatever was said. */
async function between(): Promise<void> {
  await pause(lastBeatAt + soonMs - monotonic());
  if (!park) await wake.wait(Math.max(0, lastBeatAt + everyMs - monotonic()));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
