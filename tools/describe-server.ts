import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose } from '../apps/server/src/compose.ts';
import { readConfig } from '../apps/server/src/config/index.ts';
import { randomToken } from '../apps/server/src/kernel/base/index.ts';
import { throwawayCluster } from '../apps/server/src/kernel/db/index.ts';
import { createTelemetry, type Metrics } from '../apps/server/src/kernel/telemetry/index.ts';

export type LimitFact = { name: string; unit: string; value: number; setting?: string; whenFull: string };
export type Described = { metrics: ReturnType<Metrics['list']>; limits: LimitFact[] };

/** What a whole server with default settings says of itself: started on a database of its own, asked, stopped. */
export async function describeServer(): Promise<Described> {
  await using undo = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-described-'));
  undo.defer(() => rm(dataDir, { recursive: true, force: true }));
  const { connection } = undo.use(await throwawayCluster());
  const key = randomToken(30);
  const telemetry = undo.use(await createTelemetry({ level: 'silent', form: 'json' }));
  const env = { MUSTER_DATA_DIR: dataDir, MUSTER_PORT: '0', MUSTER_API_KEY: key };
  const app = undo.use(await compose(readConfig(env, new Map(), dataDir), telemetry, { database: connection }));
  const answer = await fetch(`${app.http.url}/v1/limits`, { headers: { authorization: `Bearer ${key}` } });
  const { items } = (await answer.json()) as { items: LimitFact[] };
  return { metrics: telemetry.metrics.list(), limits: items };
}
