import { expect, test } from 'vitest';
import { createTelemetry, loneMetrics, redactUrl, silentLogger } from './index.ts';
import { createLogger } from './logger.ts';

async function capture(form: 'json' | 'pretty' = 'json') {
  const lines: string[] = [];
  const logger = await createLogger({
    level: 'info',
    form,
    base: { node: 'n1' },
    write: (line) => void lines.push(line),
  });
  return { logger, lines };
}

test('secrets are masked by name at every depth, numbers and counts stay', async () => {
  const { logger, lines } = await capture();
  logger.info({
    authorization: 'Bearer mst_x',
    headers: { cookie: 'a=b', 'x-api-key': 'k', 'x-worker-token': 'w', accept: '*/*' },
    body: { vmToken: 'v', p12Password: 'p', keychain_password: 'q', MUSTER_SECRET: 's', otp: '1', modelTokens: 12 },
  });
  const line = lines.join('');
  for (const secret of ['mst_x', 'a=b', '"k"', '"w"', '"v"', '"p"', '"q"', '"s"', '"1"'])
    expect(line).not.toContain(secret);
  expect(line).toContain('"accept":"*/*"');
  expect(line).toContain('"modelTokens":12');
});

test('a child carries its fields and follows a level changed later', async () => {
  const { logger, lines } = await capture();
  const child = logger.child({ room: 'builds' });
  child.debug({}, 'quiet');
  logger.setLevel('debug');
  child.debug({}, 'heard');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'debug', room: 'builds', node: 'n1', msg: 'heard' });
});

test('a label value outside its set is counted as other and logged once', async () => {
  const { logger, lines } = await capture();
  const metrics = loneMetrics(logger);
  const counter = metrics.counter({ name: 'muster_t_total', help: 'T.', labels: { kind: ['a', 'b'] } });
  counter.add({ kind: 'a' });
  counter.add({ kind: 'x' });
  counter.add({ kind: 'y' }, 2);
  const text = await metrics.text();
  expect(text).toContain('muster_t_total{kind="a"} 1');
  expect(text).toContain('muster_t_total{kind="other"} 3');
  expect(lines).toHaveLength(1);
});

test('an open label takes its first values and no more', async () => {
  const metrics = loneMetrics(silentLogger);
  const counter = metrics.counter({ name: 'muster_q_total', help: 'Q.', labels: { queue: { max: 2 } } });
  for (const queue of ['one', 'two', 'three', 'one']) counter.add({ queue });
  const text = await metrics.text();
  expect(text).toContain('queue="one"} 2');
  expect(text).toContain('queue="other"} 1');
  expect(text).not.toContain('three');
});

test('a process tells its memory, CPU and loop lag', async () => {
  await using telemetry = await createTelemetry({ level: 'silent', form: 'json' });
  const text = await telemetry.metrics.text();
  expect(text).toMatch(/muster_process_memory_bytes\{kind="rss"\} [1-9]/);
  expect(text).toMatch(/muster_event_loop_lag_seconds\{quantile="0.99"\} \d/);
});

test('addresses lose credentials in their query', () => {
  expect(redactUrl('/worker/socket?api_key=abc&worker_id=w')).toBe('/worker/socket?api_key=[redacted]&worker_id=w');
  expect(redactUrl('/v1/builds')).toBe('/v1/builds');
});
