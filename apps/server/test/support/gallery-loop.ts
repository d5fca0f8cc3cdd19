import { afterAll, afterEach, beforeEach } from 'vitest';
import { createLoop, FleetView, type LiveLoop, type LoopDeps } from '#gallery/loop';
import { Limits, systemClock, systemRandom } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import { type Db, sql } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { type TestDatabase, testDatabase } from './database.ts';
import { type TinyOptions, TinyThinker, worldTable } from './tiny-thinker.ts';

export const project = 'prj_loop';

export type LoopHarness = {
  database: TestDatabase;
  db: Db;
  told: { type: string; message: string; botId: string | null }[];
  emitted: { type: string; botId?: string; targetId?: string }[];
  /** A loop as one node has it; it is stopped at the end of the test. */
  node(options?: NodeOptions): { loop: LiveLoop; thinker: TinyThinker; view: FleetView };
  later<T extends AsyncDisposable>(it: T): T;
};
export type NodeOptions = Partial<LoopDeps> & { tiny?: Partial<TinyOptions> };

/** Loops with the tiny thinking half on a real database, for one test file; all are stopped and wiped between tests. */
export async function loopHarness(): Promise<LoopHarness> {
  const database = await testDatabase({ poolMax: 10 });
  const { db } = database;
  await db.query(worldTable);
  let open: AsyncDisposable[] = [];
  const told: LoopHarness['told'] = [];
  const emitted: LoopHarness['emitted'] = [];
  afterAll(() => database[Symbol.asyncDispose]());
  beforeEach(async () => {
    await database.wipe();
    await db.query(sql`delete from world_acts`);
    await seedProject(db);
  });
  afterEach(async () => {
    for (const one of open.toReversed()) await one[Symbol.asyncDispose]();
    open = [];
    told.length = 0;
    emitted.length = 0;
  });
  const harness: LoopHarness = {
    database,
    db,
    told,
    emitted,
    later: (it) => (open.push(it), it),
    node({ tiny = {}, ...options } = {}) {
      const used = options.db ?? db;
      const view = options.view ?? new FleetView(used, () => 'improv');
      const thinker = new TinyThinker({ db: used, view, node: options.nodeId ?? 'node-a', ...tiny });
      const loop = createLoop({
        db: used,
        bus: inProcessBus(() => undefined),
        clock: systemClock,
        realClock: systemClock,
        random: systemRandom,
        telemetry: {
          logger: silentLogger,
          metrics: loneMetrics(silentLogger),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        },
        limits: new Limits(),
        nodeId: 'node-a',
        view,
        thinking: thinker,
        probe: () => Promise.resolve(true),
        humanActionsPerDay: () => Promise.resolve(0),
        tell: (_, rows) => void told.push(...rows),
        emit: (_, events) => void emitted.push(...events),
        config: { thinksInFlightMax: 256, dueQueueMax: 2_000 },
        ...options,
      });
      harness.later(loop);
      return { loop, thinker, view };
    },
  };
  return harness;
}

export async function seedProject(db: Db, id: string = project): Promise<void> {
  await db.query(sql`insert into projects (id, name) values (${id}, ${id}) on conflict do nothing`);
  await db.query(sql`insert into gallery_fleets (project_id) values (${id}) on conflict do nothing`);
  await db.query(sql`
    insert into gallery_targets (project_id, id, kind, title, base_url, concurrency)
    values (${id}, 'sandbox', 'sandbox', 'Sandbox', 'http://localhost', 64), (${id}, 'other', 'floimg', 'Other', 'http://other.test', 16)
    on conflict do nothing`);
}

export type SeedOptions = {
  count: number;
  target?: string;
  state?: string;
  desired?: string;
  /** Epoch ms of each; default: none, so the owner schedules it. */
  nextThinkAt?: (n: number) => number | null;
  traits?: object;
  projectId?: string;
  prefix?: string;
};

/** Bots with an account, spread over the shards; answers their ids. */
export async function seedBots(db: Db, options: SeedOptions): Promise<string[]> {
  const {
    count,
    target = 'sandbox',
    state = 'running',
    desired = 'running',
    projectId = project,
    prefix = 'b',
  } = options;
  const ids = Array.from({ length: count }, (_, n) => `gbt_${prefix}${String(n).padStart(6, '0')}`);
  const times = ids.map((_, n) => options.nextThinkAt?.(n) ?? null);
  await db.query(sql`
    insert into gallery_bots (id, project_id, shard, name, username, target_id, traits, seed, desired, state, next_think_at,
      provision, sleep_until)
    select g.id, ${projectId}, (g.n * 7) % 64, 'Bot ' || g.n, replace(g.id, 'gbt_', 'u_'), ${target},
      ${JSON.stringify(options.traits ?? {})}::jsonb, g.n, ${desired}, ${state}, to_timestamp(g.at / 1000.0), 'done',
      case when ${state} = 'sleeping' then to_timestamp(g.at / 1000.0) end
    from unnest(${ids}::text[], ${times}::double precision[]) with ordinality g(id, at, n)`);
  return ids;
}

export type World = { botId: string; thoughtId: string; node: string; at: number };
export async function world(db: Db): Promise<World[]> {
  const rows = await db.query<{ botId: string; thoughtId: string; node: string; at: Date }>(sql`
    select bot_id as "botId", thought_id as "thoughtId", node, begun_at as at from world_acts order by n`);
  return rows.map((row) => ({ ...row, at: row.at.getTime() }));
}

/** A command of a person as the room gives it: row first, then the owner is told. */
export async function command(
  db: Db,
  loop: LiveLoop,
  ids: readonly string[],
  set: 'start' | 'pause' | 'stop' | 'wake' | 'delete',
  at: number,
): Promise<{ confirmed: boolean; inFlight: number }> {
  const [desired, state] = (
    {
      start: ['running', 'running'],
      pause: ['paused', 'paused'],
      stop: ['stopped', 'idle'],
      wake: ['running', 'running'],
      delete: ['deleted', 'deleted'],
    } as const
  )[set];
  await db.query(sql`
    update gallery_bots set desired = ${desired}, state = ${state}, sleep_until = null, retry_at = null,
      next_think_at = case when ${set} = 'wake' then ${new Date(at)}::timestamptz end, generation = generation + 1
    where id = any(${ids}::text[]) and state <> 'deleted' and not (${set} = 'start' and state = 'running')`);
  return loop.changed(project, { bots: ids });
}
