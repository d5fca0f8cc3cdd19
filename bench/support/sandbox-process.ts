/**
 * The sandbox gallery as a process of its own, for `gallery-feed`: database and size from the argument (JSON). It makes the
 * items, prints its address, and then does what lines on stdin say: `like`, `cpu`, `rates`. It is killed at the end.
 */
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { createSecrets } from '../../apps/server/src/config/index.ts';
import { createRaster } from '../../apps/server/src/gallery/images/index.ts';
import { createSandbox } from '../../apps/server/src/gallery/sandbox/index.ts';
import { createAuth, defaultProjectId } from '../../apps/server/src/kernel/auth/index.ts';
import { Limits, systemClock } from '../../apps/server/src/kernel/base/index.ts';
import { openDiskBlobs } from '../../apps/server/src/kernel/blobs/index.ts';
import { inProcessBus } from '../../apps/server/src/kernel/bus/index.ts';
import { type Connection, createDb, migrate, sql } from '../../apps/server/src/kernel/db/index.ts';
import { createHttp } from '../../apps/server/src/kernel/http/index.ts';
import { loneMetrics, silentLogger } from '../../apps/server/src/kernel/telemetry/index.ts';
import { benchFolder } from './bench-folder.ts';

const given = JSON.parse(process.argv[2] ?? '{}') as {
  connection: Extract<Connection, { host: string }>;
  items: number;
  bots: number;
};
const folder = await benchFolder(tmpdir(), 'muster-bench-gallery-');
await migrate({ connection: given.connection, clock: systemClock, serverVersion: 'bench' });
const db = createDb({
  ...given.connection,
  poolMax: 20,
  statementTimeoutMs: 60_000,
  applicationName: 'bench',
  clock: systemClock,
});
await db.start();
const shared = { db, clock: systemClock, logger: silentLogger, metrics: loneMetrics(silentLogger) };
const bus = inProcessBus(() => undefined);
const auth = createAuth({ ...shared, bus, environmentKeys: [], failuresPerMinuteMax: 100, auditKeepDays: 1 });
await auth.start();
const sandbox = createSandbox({
  db,
  bus,
  auth,
  clock: systemClock,
  blobs: await openDiskBlobs({ folder, clock: systemClock }),
  limits: new Limits(),
  telemetry: { logger: silentLogger, metrics: shared.metrics, [Symbol.asyncDispose]: () => Promise.resolve() },
  raster: createRaster({ clock: systemClock }),
  basePath: '',
  csrfKey: Buffer.alloc(32),
  serviceToken: 'fst_bench',
  currentPerson: () => Promise.resolve(undefined),
});
const http = createHttp({
  ...shared,
  auth,
  answers: createSecrets({ master: 'm'.repeat(32), dataDir: folder }).box('bench'),
  port: 0,
  edge: { host: '127.0.0.1', basePath: '', trustProxy: [], corsOrigins: [] },
  metricsAccess: { mode: 'off' },
  version: 'bench',
  node: 'bench',
});
sandbox.routes(http);

const transport = sandbox.transport(defaultProjectId);
let keys = 0;
async function ask(method: 'GET' | 'POST' | 'PUT', to: string, as?: string, body?: object): Promise<unknown> {
  const answer = await transport({
    method,
    path: to,
    headers: { ...(as === undefined ? {} : { 'x-agent-id': as }), 'idempotency-key': `act_${++keys}` },
    ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
    timeoutMs: 60_000,
    bodyBytesMax: 4e6,
    signal: new AbortController().signal,
  });
  if (answer.status >= 300)
    throw new Error(`${method} ${to}: ${answer.status} ${Buffer.from(answer.body).toString('utf8')}`);
  return JSON.parse(Buffer.from(answer.body).toString('utf8'));
}

const owners = 20;
const names = Array.from({ length: given.bots }, (_, i) => `bot_${i}`);
for (const username of names)
  await ask('POST', '/api/admin/users/invite', undefined, {
    agentId: username,
    name: username,
    username,
    isAgent: true,
  });
const { path: imageUrl } = await sandbox.storeScene('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"/>');
await ask('POST', '/api/showcase', names[0], { imageUrl, title: 'first' });
// Thirty days of items, with likes as uneven as they are in life.
await db.query(sql`
  insert into sandbox_items (id, project_id, account_id, by_agent, title, description, tags, alt, image_prompt, facts, image_id,
                             human_likes, bot_likes, human_comments, bot_comments, created_at)
  select 'itm_' || lpad(n::text, 26, '0'), ${defaultProjectId}, a.id, true, 'Slack tide ' || n, repeat('The left buoy leans. ', 4),
         '{tide,fog}', 'A bay in fog with one buoy', repeat('fog bank ', 6), '{buoy,fog bank,slack tide}', i.image_id,
         (10 / (n * 7919 % 1000 + 1)), (60 / (n * 31 % 400 + 1)), n * 17 % 2, n * 13 % 4,
         now() - make_interval(secs => n * (30.0 * 86400 / ${given.items}))
  from generate_series(1, ${given.items}::int) n
  join (select id, row_number() over (order by id) - 1 as no from sandbox_accounts
        where username = any(${names.slice(0, owners)})) a on a.no = n % ${owners}::int
  cross join (select image_id from sandbox_items limit 1) i`);
await db.query(sql`analyze`);
await http.start();
console.log(http.url);

/** Acts one after another, as a simulated day does them: how many a second, and what each costs this process. */
async function rate(
  times: number,
  act: (i: number) => Promise<unknown>,
): Promise<{ perSecond: number; cpuMs: number }> {
  const began = performance.now();
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) await act(i);
  const { user, system } = process.cpuUsage(before);
  return { perSecond: (times * 1000) / (performance.now() - began), cpuMs: (user + system) / 1000 / times };
}
/** Bots that own nothing, so that everything is theirs to like. */
const as = (i: number): string => names[owners + (i % (names.length - owners))] ?? '';
const item = (i: number): string => `itm_${String((i % given.items) + 1).padStart(26, '0')}`;
let likes = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'like')
    void ask('POST', `/api/showcase/${item(likes++ * 37)}/like`, as(likes), {}).catch(() => undefined);
  if (line === 'cpu') {
    const { user, system } = process.cpuUsage();
    console.log((user + system) / 1000);
  }
  if (line !== 'rates') continue;
  const posts = await rate(300, (i) => ask('POST', '/api/showcase', as(i), { imageUrl, title: `new ${i}` }));
  const liked = await rate(600, (i) => ask('PUT', `/api/showcase/${item(i * 41 + 5)}/like`, as(i + 3), {}));
  const comments = await rate(300, (i) =>
    ask('POST', `/api/showcase/${item(i * 41 + 9)}/comments`, as(i + 4), { content: `hm ${i}` }),
  );
  const feeds = await rate(600, (i) => ask('GET', '/api/showcase?sort=recent&limit=40', as(i)));
  // Something changes before each, so nothing kept can be used as it is.
  const observes = await rate(100, async (i) => {
    await ask('PUT', `/api/showcase/${item(i * 43 + 7)}/like`, as(i + 5), {});
    for (const sort of ['recent', 'popular', 'trending']) await ask('GET', `/api/showcase?sort=${sort}&limit=20`);
  });
  console.log(JSON.stringify({ posts, likes: liked, comments, feeds, 'like, then all three feeds': observes }));
}
