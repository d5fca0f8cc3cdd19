import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { createLog, type Log } from '#kernel/log';
import { silentLogger } from '#kernel/telemetry';
import { until } from '#test/until';
import { Pulse } from './pulse.ts';
import { ensureSamples, Sampler, samplesKey } from './sampler.ts';
import { showSeries } from './show-series.ts';

const clock = new FakeClock(Date.parse('2026-03-01T10:00:00Z'));
let log: Log;
beforeEach(async () => {
  log = createLog({ driver: 'memory', clock, events: {} });
  await log.start();
});
afterEach(() => log[Symbol.asyncDispose]());

const node = { name: 'a', version: '1', dataDir: '/', url: () => '' };
const made = (inFlight: number): Sampler =>
  // Only what samples are made of.
  new Sampler({
    clock,
    log,
    node,
    pulse: new Pulse(clock),
    queue: { depth: async () => [] },
    database: { pool: () => ({ busy: 1, idle: 2, waiting: 0 }) },
    edge: () => ({ sockets: 3, inFlight }),
    telemetry: { logger: silentLogger },
  } as unknown as ConstructorParameters<typeof Sampler>[0]);
const stored = async (): Promise<number> => (await log.head(samplesKey))?.messages ?? 0;

async function run(sampler: Sampler, seconds: number): Promise<void> {
  await sampler.start();
  for (let second = 0; second < seconds; second++) {
    const before = sampler.taken;
    await clock.advance(1_000);
    await until(() => sampler.taken > before);
  }
}

test('samples are stored ten at a time while nobody follows, and all of them at the end', async () => {
  const sampler = made(5);
  await run(sampler, 12);
  await until(async () => (await stored()) === 10);
  await sampler[Symbol.asyncDispose]();
  expect(await stored()).toBe(12);
});

test('a process that comes after shows what the one before it measured', async () => {
  await ensureSamples({ log });
  const first = made(5);
  await run(first, 12);
  await first[Symbol.asyncDispose]();
  await clock.advance(60_000);
  const second = made(9);
  await run(second, 3);
  const series = await showSeries({ clock, node, sampler: second }, { metric: 'inFlight', step: '10s' });
  const seen = series.metrics[0]?.worst.filter((value) => value !== null);
  expect(seen?.[0]).toBe(5);
  expect(seen?.at(-1)).toBe(9);
  expect(series.metrics[0]?.worst.filter((value) => value === null).length).toBeGreaterThan(3);
  await second[Symbol.asyncDispose]();
});
