import { expect, test } from 'vitest';
import { startServer } from '#test/server';
import { until } from '#test/until';

/* What an operator sees of the log: health, limits, metrics. */

test('a budget that is used up: health is degraded, appends are refused with the time to come back, reads go on', async () => {
  await using server = await startServer({ env: { MUSTER_DISK_MIN_FREE_BYTES: '1000TiB' } });
  const { body: health } = await server.ask<{ status: string; log: Record<string, unknown> }>('/health', { key: null });
  expect(health).toMatchObject({
    status: 'degraded',
    database: 'healthy',
    log: { degraded: true, ackMeans: 'synced' },
  });
  const refused = await server.call('/v1/stream/demo/a', { method: 'PUT', headers: { 'content-type': 'text/plain' } });
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
  expect(await refused.json()).toMatchObject({ code: 'exhausted', reason: 'log_backlog' });
  expect((await server.call('/v1/stream/demo/a')).status).toBe(404);
});

test('metrics of the log move with what happens', async () => {
  await using server = await startServer();
  const metric = async (name: string): Promise<number> => {
    const text = await (await server.call('/metrics')).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? Number.NaN);
  };
  const put = (path: string, text: string, seq: number): Promise<Response> =>
    server.call(`/v1/stream/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': String(seq) },
      body: text,
    });
  await server.call('/v1/stream/m/a', { method: 'PUT', headers: { 'content-type': 'text/plain' } });
  for (let seq = 0; seq < 5; seq++) expect((await put('m/a', 'x', seq)).status).toBe(200);
  expect((await put('m/a', 'x', 4)).status).toBe(204);
  const live = new AbortController();
  const tail = await server.call('/v1/stream/m/a?offset=-1&live=sse', { signal: live.signal });
  expect(tail.status).toBe(200);
  await until(async () => (await metric('muster_log_followers{form="sse",mode="live"}')) === 1);
  expect(await metric('muster_log_append_total{outcome="stored"}')).toBeGreaterThanOrEqual(5);
  expect(await metric('muster_log_duplicates_total')).toBe(1);
  expect(await metric('muster_log_commit_bytes_count')).toBeGreaterThan(0);
  expect(await metric('muster_log_segments{state="open"}')).toBe(1);
  expect(await metric('muster_log_shards_owned')).toBe(64);
  expect(await metric('muster_log_quarantined_files')).toBe(0);
  await put('m/a', 'live', 5);
  await until(async () => (await metric('muster_log_deliveries_total')) >= 1);
  await until(
    async () =>
      (await metric('muster_log_unflushed_bytes')) === 0 && (await metric('muster_log_heads{state="dirty"}')) === 0,
  );
  expect(await metric('muster_log_heads{state="clean"}')).toBeGreaterThan(0);
  expect(await metric('muster_log_flush_lag_seconds')).toBe(0);
  live.abort();
  await until(async () => (await metric('muster_log_followers{form="sse",mode="live"}')) === 0);
});
